"""A zip file whose members are checked, and which is replaced as a whole or not at all."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from ..base import brief

#: Version of the layout of files; raise it when the layout changes.
FILE_FORMAT = 1
MANIFEST = "manifest.json"
_MEMBERS = re.compile(r"manifest\.json|model\.json|(arrays/\d{1,9}\.npy)|(skops/\d{1,9}\.skops)")


class UnreadableFileError(ValueError):
    """A file that `sknet.load` refuses: damaged, of another kind, or with something unknown.

    Examples
    --------
    >>> import sknet
    >>> try:
    ...     sknet.load("README.md")
    ... except (sknet.interop.UnreadableFileError, OSError) as error:
    ...     print("refused")
    refused
    """


def write_archive(path: str | PathLike[str], members: Any) -> None:
    """Write a file of checked members; the old file stays whole until the new one is.

    The members are stored and not compressed: weights hardly shrink, and so what a file unpacks
    to is never more than the file itself.

    Parameters
    ----------
    path : str or path-like
        The file.
    members : iterable of (str, bytes)
        Names and contents, made one at a time.
    """
    with _replacing(path) as file, ZipFile(file, "w", ZIP_STORED) as archive:
        digests = {}
        for name, content in members:
            digests[name] = sha256(content).hexdigest()
            _write_member(archive, name, content)
        manifest = {"format": FILE_FORMAT, "sknet": _version(), "sha256": digests}
        _write_member(archive, MANIFEST, json.dumps(manifest, indent=1).encode("ascii"))


def _write_member(archive, name, content):
    # Without the time of day the same estimator gives the same file.
    archive.writestr(ZipInfo(name), content)


def _version():
    from .. import __version__

    return __version__


@contextmanager
def _replacing(path):
    """Give a new file to write, which takes the place of the old one when all is on the disk."""
    path = Path(os.path.realpath(path))  # a link stays a link
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(new, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, new)
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder):
    """Put the new name on the disk, where folders can be opened for that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Archive:
    """The checked members of a file.

    Parameters
    ----------
    file : file object
        Open for reading bytes.
    """

    def __init__(self, file: Any) -> None:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._zip = ZipFile(file)
        self._infos = checked_infos(self._zip, size, _MEMBERS)
        self._digests = self._checked_manifest()

    def read(self, name: str) -> bytes:
        """Return the content of a member, whose checksum is right.

        Parameters
        ----------
        name : str
            Name of the member.

        Returns
        -------
        content : bytes
            Its bytes.
        """
        content = self._content(name)
        if sha256(content).hexdigest() != self._digests[name]:
            raise UnreadableFileError(f"the checksum of {name!r} is not that of its content")
        return content

    def _content(self, name):
        if name not in self._infos:
            raise UnreadableFileError(f"it has no member {name!r}")
        return self._zip.read(self._infos[name])

    def _checked_manifest(self):
        manifest = parse_json(self._content(MANIFEST))
        found = manifest.get("format") if isinstance(manifest, dict) else None
        if type(found) is not int or found != FILE_FORMAT:
            version = manifest.get("sknet") if isinstance(manifest, dict) else None
            raise UnreadableFileError(
                f"it was written by sknet {brief(version)} in format {brief(found)}, and this "
                f"version reads format {FILE_FORMAT}"
            )
        digests = manifest.get("sha256")
        expected = self._infos.keys() - {MANIFEST}
        if not isinstance(digests, dict) or digests.keys() != expected:
            raise UnreadableFileError("its manifest does not list the members that it has")
        return digests


def checked_infos(archive: Any, size: int, names: Any = None) -> dict[str, Any]:
    """Return the members of a zip file by name, if reading them takes no more than its size.

    Parameters
    ----------
    archive : zipfile.ZipFile
        The zip file.
    size : int
        Bytes of the file.
    names : re.Pattern, default=None
        What names of members look like; None allows all.

    Returns
    -------
    infos : dict of str to zipfile.ZipInfo
        The members.
    """
    infos = {}
    for info in archive.infolist():
        name = brief(info.filename)
        if names is not None and not names.fullmatch(info.filename):
            raise UnreadableFileError(f"it has a member {name}, which no file of sknet has")
        if info.filename in infos:
            raise UnreadableFileError(f"it has two members called {name}")
        if info.compress_type != ZIP_STORED or info.compress_size != info.file_size:
            raise UnreadableFileError(f"its member {name} is compressed, and sknet stores them")
        infos[info.filename] = info
    claimed = sum(info.file_size for info in infos.values())
    if claimed > size:
        raise UnreadableFileError(f"its members claim {claimed} bytes, and it has {size}")
    return infos


def parse_json(content: bytes) -> Any:
    """Return what a JSON text says; it holds no constants but null, true and false.

    Parameters
    ----------
    content : bytes
        The text.

    Returns
    -------
    value : object
        Lists, dicts of unique keys, texts, numbers, bools and None.
    """
    return json.loads(
        content.decode("ascii"), object_pairs_hook=_unique, parse_constant=_refuse_constant
    )


def _unique(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableFileError("its JSON names something twice")
    return found


def _refuse_constant(name):
    raise UnreadableFileError(f"its JSON holds {name}, which is none")
