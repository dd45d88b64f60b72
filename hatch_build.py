"""Compiles the kernels when a wheel is built, or in place by ``python hatch_build.py``.

Arguments of the command are more flags for the compiler, such as ``-fsanitize=address``.
The extension is optional: without a C compiler the wheel is pure, and NumPy's kernels run.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

FOLDER = Path(__file__).parent / "sknet" / "kernels"
#: Levels of processors that the kernels are compiled for; the import chooses one.
X86_LEVELS = ["x86-64-v2", "x86-64-v3", "x86-64-v4"]
#: No fused or reordered operations but those that the code asks for: bits depend on no compiler.
FLAGS = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off"]
FLAGS += ["-fno-math-errno", "-fno-trapping-math", "-pthread"]
#: Loops begin at a cache line, so that their speed does not depend on the code before them.
FLAGS += ["-falign-loops=64"]
#: The oldest Python whose stable interface the extension keeps to.
ABI = (3, 11)


def compilers():
    """Yield commands that may compile C, the one that Python was built with first."""
    for command in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang"):
        words = shlex.split(command or "")
        if words and shutil.which(words[0]):
            yield words


def is_free_threaded():
    """Return whether this Python has no interpreter lock, and so no stable interface."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def has_stable_abi():
    """Return whether one file serves this Python and all later ones."""
    return sys.implementation.name == "cpython" and not is_free_threaded()


def library_name():
    """Return the file name of the extension."""
    suffix = ".abi3.so" if has_stable_abi() else sysconfig.get_config_var("EXT_SUFFIX")
    return "_extension" + suffix


def compile_extension(folder=FOLDER, flags=()):
    """Compile the extension and put it into a folder.

    Parameters
    ----------
    folder : Path
        Where to put it.
    flags : list of str, default=()
        More flags for the compiler and the linker.

    Returns
    -------
    library : Path
        The file.

    Raises
    ------
    OSError
        If it cannot be compiled here; the message says why.
    """
    if os.name == "nt":
        raise OSError("compilers for Windows are not supported")
    reasons = ["there is no C compiler"]
    for compiler in compilers():
        try:
            return _compile(compiler, folder, list(flags))
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip()[-2000:] or f"exit status {error.returncode}"
            reasons.append(f"{shlex.join(compiler)} failed: {said}")
    raise OSError("; ".join(reasons[1:] or reasons))


def _compile(compiler, folder, flags):
    import numpy

    headers = [sysconfig.get_paths()["include"], numpy.get_include()]
    python = [f"-I{header}" for header in headers]
    if has_stable_abi():
        python.append(f"-DPy_LIMITED_API=0x{ABI[0]:02X}{ABI[1]:02X}0000")
    is_x86 = platform.machine().lower() in ("x86_64", "amd64") and sys.maxsize > 2**32
    jobs = {"module": ["module.c", *python]}
    for level in ["generic", *(X86_LEVELS if is_x86 else [])]:
        processor = [] if level == "generic" else [f"-march={level}"]
        job = ["level.c", *processor, f"-DLEVEL={level.replace('-', '_')}"]
        jobs[f"{level}_single"], jobs[f"{level}_double"] = job, [*job, "-DDOUBLE"]

    def run(*arguments):
        command = [*compiler, *FLAGS, *flags, *arguments]
        subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True)

    with tempfile.TemporaryDirectory() as work:
        objects = [f"{work}/{name}.o" for name in jobs]
        with ThreadPoolExecutor(2) as pool:
            pairs = zip(jobs.values(), objects, strict=True)
            list(pool.map(lambda job: run("-c", *job[0], "-o", job[1]), pairs))
        mac = ["-bundle", "-undefined", "dynamic_lookup"]
        link = mac if sys.platform == "darwin" else ["-shared"]
        library = Path(work, library_name())
        run(*link, *objects, "-lm", "-o", str(library))
        # In one step: a process may have the old file mapped.
        final = Path(folder, library.name)
        shutil.copy(library, final.with_suffix(".new"))
        os.replace(final.with_suffix(".new"), final)
    return final


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # compiling in place needs no hatchling
    BuildHookInterface = object


class KernelsBuildHook(BuildHookInterface):
    """Adds the extension to a wheel, or leaves the wheel pure where it cannot be compiled."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        """Compile beside the sources, where an editable install looks for it, if they let us."""
        is_beside = os.access(FOLDER, os.W_OK)
        self._elsewhere = None if is_beside else tempfile.TemporaryDirectory()
        try:
            library = compile_extension(FOLDER if is_beside else self._elsewhere.name)
        except OSError as error:
            first = str(error).splitlines()[0]
            with suppress(OSError):  # the sources may be read-only
                Path(FOLDER, library_name()).unlink(missing_ok=True)  # of older sources
            print(f"sknet: installed without compiled kernels, which are faster ({first}).")
            return
        build_data["pure_python"] = False
        if is_beside:
            build_data["artifacts"].append(f"sknet/kernels/{library.name}")
        else:
            build_data["force_include"][str(library)] = f"sknet/kernels/{library.name}"
        if has_stable_abi():
            build_data["tag"] = f"cp{ABI[0]}{ABI[1]}-abi3-{_platform()}"
        else:
            build_data["infer_tag"] = True

    def finalize(self, version, build_data, artifact_path):
        """Remove what was compiled elsewhere, once the wheel has it."""
        if self._elsewhere is not None:
            self._elsewhere.cleanup()


def _platform():
    from packaging.tags import sys_tags

    tags = (tag.platform for tag in sys_tags())
    return next(tag for tag in tags if "manylinux" not in tag and "musllinux" not in tag)


if __name__ == "__main__":
    print(compile_extension(flags=sys.argv[1:]))
