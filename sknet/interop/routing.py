"""Requests of metadata, such as ``set_fit_request(sample_weight=True)``, as plain dicts."""

from __future__ import annotations

from typing import Any

_NAME = "_metadata_request"


def plain_requests(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state in which requests, that refer to the estimator itself, are a dict.

    Parameters
    ----------
    state : dict
        Attributes of an estimator.
    """
    return state | {_NAME: state[_NAME]._serialize()} if _NAME in state else state


def take_requests(state: dict[str, Any]) -> Any:
    """Take the dict of requests out of a state; None if there is none."""
    return state.pop(_NAME, None)


def restore_requests(estimator: Any, requests: dict[str, Any] | None) -> None:
    """Let an estimator ask again for what it has asked for.

    Parameters
    ----------
    estimator : estimator
        Without requests of its own.
    requests : dict or None
        What `plain_requests` has made.
    """
    if requests is None:
        return
    found = estimator._get_metadata_request()
    for method, wanted in requests.items():
        if method not in found._serialize():
            raise ValueError(f"{type(estimator).__name__} has metadata for no such method")
        for name, alias in wanted.items():
            getattr(found, method).add_request(param=name, alias=alias)
    setattr(estimator, _NAME, found)
