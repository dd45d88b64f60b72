import _thread
import multiprocessing
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sknet import blas, lanes
from sknet.blas import spare_threads
from sknet.lanes import is_in_lane, run_in_lanes
from sknet.layers import Conv2D
from sknet.network import Network
from sknet.settings import single_threaded_blas


@pytest.mark.parametrize("n_spare", [0, 1, 5])
def test_every_lane_runs_once(n_spare):
    done = []
    run_in_lanes(done.append, 4, n_spare)
    assert sorted(done) == [0, 1, 2, 3]


def test_lanes_run_side_by_side():
    barrier = threading.Barrier(2, timeout=20)
    run_in_lanes(lambda lane: barrier.wait(), 2, 1)


@pytest.mark.parametrize("n_spare", [0, 2])
def test_an_error_in_a_lane_reaches_the_caller(n_spare):
    def fail(lane):
        if lane == 3:
            raise MemoryError("lane 3")

    with pytest.raises(MemoryError, match="lane 3"):
        run_in_lanes(fail, 4, n_spare)


def test_where_no_thread_is_to_be_had_the_caller_does_it_all(monkeypatch):
    def refuse(*args):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(lanes, "_helpers", lanes._Helpers())
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    done = []
    run_in_lanes(lambda lane: done.append((lane, threading.get_ident())), 4, 3)
    assert sorted(done) == [(lane, threading.get_ident()) for lane in range(4)]
    assert not is_in_lane()


def run_interrupted(n_events):
    """Run three lanes, interrupted at a call or return; tell whether they were all run."""
    left = [n_events]

    def trace(frame, event, arg):
        left[0] -= event in ("call", "return")
        if not left[0]:
            left[0] = -1
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        run_in_lanes(lambda lane: None, 3, 2)
    except KeyboardInterrupt:
        return False
    finally:
        sys.settrace(None)
    return True


def test_helpers_come_wherever_asking_for_them_was_interrupted(monkeypatch):
    monkeypatch.setattr(lanes, "_helpers", lanes._Helpers())
    found = []

    def interrupt_everywhere():
        n_events = 1
        while not run_interrupted(n_events):
            n_events += 1
        barrier = threading.Barrier(3, timeout=20)
        run_in_lanes(lambda lane: barrier.wait(), 3, 2)
        found.extend([n_events, is_in_lane()])

    thread = threading.Thread(target=interrupt_everywhere, daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert found, "a lock is held for ever"
    assert found[0] > 20
    assert found[1] is False


def test_an_interruption_waits_for_the_helpers_and_leaves_no_lane_behind():
    barrier, leave, finished = threading.Barrier(2, timeout=20), threading.Event(), []

    def work(lane):
        barrier.wait()
        if threading.current_thread() is threading.main_thread():
            threading.Timer(0.1, leave.set).start()
            raise KeyboardInterrupt
        leave.wait(20)
        finished.append(lane)

    with pytest.raises(KeyboardInterrupt):
        run_in_lanes(work, 2, 1)
    assert len(finished) == 1
    assert not is_in_lane()


def test_lanes_keep_the_error_state_of_numpy():
    barrier, found = threading.Barrier(2, timeout=20), []

    def look(lane):
        barrier.wait()
        found.append(np.geterr()["over"])

    with np.errstate(over="raise"):
        run_in_lanes(look, 2, 1)
    assert found == ["raise", "raise"]


def test_there_are_no_threads_to_spare_outside_a_fit_or_beside_another():
    assert spare_threads() == 0
    with threadpool_limits(2, user_api="blas"), single_threaded_blas():
        with single_threaded_blas():  # of the same call
            assert spare_threads() == 1
        with ThreadPoolExecutor(1) as other, single_threaded_blas():
            assert other.submit(spare_threads_inside).result() == 0
        assert spare_threads() == 1


def spare_threads_inside():
    with single_threaded_blas():
        return spare_threads()


def gradients(x):
    network = Network(Conv2D(16, 3, padding="same"), x.shape[1:], x.dtype, 0)
    grads = np.empty_like(network.params)
    layer = network.replica(len(x), None, grads).layer
    out = layer.forward(x, training=True).copy()
    return out, layer.backward(np.sin(out)).copy(), grads


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_of_a_convolution_do_not_depend_on_the_threads(monkeypatch, dtype):
    x = np.random.default_rng(0).normal(size=(33, 12, 12, 8)).astype(dtype)
    results = []
    with single_threaded_blas():
        for n_spare in (0, 1, 3):
            monkeypatch.setattr(blas, "spare_threads", lambda n=n_spare: n)
            results.append(gradients(x))
    for result in results[1:]:
        for found, expected in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(found, expected)


def run_two(queue):
    done = []
    run_in_lanes(done.append, 2, 1)
    queue.put(sorted(done))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_gets_threads_of_its_own():
    run_in_lanes(lambda lane: None, 2, 1)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=run_two, args=(queue,))
    process.start()
    assert queue.get(timeout=30) == [0, 1]
    process.join(timeout=30)
    assert process.exitcode == 0
