"""The hook that compiles the kernels when a wheel is built."""

import importlib.util
import os
from pathlib import Path

import pytest

from .test_docs import ROOT


@pytest.fixture
def build(monkeypatch, tmp_path):
    """The module of the hook, whose sources lie in an empty folder."""
    place = ROOT / "hatch_build.py"
    if not place.exists() or os.name == "nt":
        pytest.skip("needs the sources of the package, on Linux or a Mac")
    spec = importlib.util.spec_from_file_location("hatch_build", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return module


def initialized(build, look=lambda data: None):
    """Return what the hook adds to a wheel, after a look at it while the wheel is made."""
    data = {"pure_python": True, "artifacts": [], "force_include": {}}
    hook = object.__new__(build.KernelsBuildHook)
    hook.initialize("standard", data)
    look(data)
    hook.finalize("standard", data, "sknet.whl")
    return data


def put_a_library(build, monkeypatch):
    def compiled(folder, flags=()):
        library = Path(folder, build.library_name())
        library.write_text("compiled")
        return library

    monkeypatch.setattr(build, "compile_extension", compiled)


@pytest.mark.parametrize(
    ("compilers", "reason"),
    [([], "there is no C compiler"), ([["false"]], "false failed: exit status 1")],
)
def test_without_a_compiler_the_wheel_is_pure_and_a_line_says_so(
    compilers, reason, build, monkeypatch, capsys
):
    monkeypatch.setattr(build, "compilers", lambda: iter(compilers))
    old = build.FOLDER / build.library_name()
    old.write_text("of older sources")
    data = initialized(build)
    assert data == {"pure_python": True, "artifacts": [], "force_include": {}}
    assert not old.exists()
    (line,) = capsys.readouterr().out.splitlines()
    assert line == f"sknet: installed without compiled kernels, which are faster ({reason})."


def test_the_first_compiler_that_works_is_taken(build, monkeypatch):
    tried = []
    monkeypatch.setattr(build, "compilers", lambda: iter([["false"], ["true"], ["never"]]))

    def compiled(compiler, folder, flags):
        tried.append(compiler)
        build.subprocess.run(compiler, check=True, capture_output=True, text=True)
        return "library"

    monkeypatch.setattr(build, "_compile", compiled)
    assert build.compile_extension() == "library"
    assert tried == [["false"], ["true"]]


def test_the_extension_lies_with_the_sources(build, monkeypatch):
    put_a_library(build, monkeypatch)
    data = initialized(build)
    assert data["pure_python"] is False and not data["force_include"]
    assert data["artifacts"] == [f"sknet/kernels/{build.library_name()}"]
    assert (build.FOLDER / build.library_name()).exists()


def test_a_folder_that_is_read_only_stays_as_it_is(build, monkeypatch):
    put_a_library(build, monkeypatch)
    monkeypatch.setattr(build.os, "access", lambda folder, mode: False)
    libraries = []

    def look(data):
        libraries.extend(map(Path, data["force_include"]))
        assert libraries[0].read_text() == "compiled"

    data = initialized(build, look)
    assert list(data["force_include"].values()) == [f"sknet/kernels/{build.library_name()}"]
    assert not data["artifacts"] and not list(build.FOLDER.iterdir())
    assert not libraries[0].exists()
