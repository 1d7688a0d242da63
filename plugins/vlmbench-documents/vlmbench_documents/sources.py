"""What the readers of files share: text, image paths, and mistakes that are reported together."""

import json
from pathlib import Path, PurePosixPath, PureWindowsPath

from pydantic import JsonValue

from vlmbench_sdk import DatasetError

_SHOWN_MISTAKES = 20


class Mistakes:
    """Collects what is wrong with a source, so that one run reports everything."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._found: list[str] = []

    def add(self, place: str, what: str) -> None:
        """Note one mistake.

        Args:
            place: Row, line, column or file inside the source.
            what: What is wrong there.
        """
        self._found.append(f"{place}: {what}")

    def raise_if_any(self) -> None:
        """Raise all of them as one error.

        Raises:
            DatasetError: When there are any; shows the first 20 and says how many more there are.
        """
        if not self._found:
            return
        shown = self._found[:_SHOWN_MISTAKES]
        hidden = len(self._found) - len(shown)
        if hidden:
            shown.append(f"and {hidden} more")
        noun = "mistake" if len(self._found) == 1 else "mistakes"
        raise DatasetError(
            "\n  ".join([f"{len(self._found)} {noun}, so nothing of it was read", *shown]),
            where=self._where,
            fix="Correct the source; nothing is skipped silently",
        )


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text with its line ends as they are; a byte order mark is dropped.

    Raises:
        DatasetError: When the file does not exist or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(
            f"cannot be read ({error.strerror})", where=str(path), fix="Correct `source` in the entry"
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"is not UTF-8 (byte {error.start})", where=str(path), fix="Save the file as UTF-8"
        ) from error


def read_object(path: Path, mistakes: Mistakes) -> dict[str, JsonValue]:
    """Return the JSON object in a file; note a mistake and return an empty one where there is none."""
    try:
        value: JsonValue = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        mistakes.add(path.name, f"is not JSON ({error.msg}, line {error.lineno})")
        return {}
    if not isinstance(value, dict):
        mistakes.add(path.name, "must hold a JSON object")
        return {}
    return value


def image_problem(folder: Path, path: str) -> str | None:
    """Say why a path from a file of annotations cannot be used as an image.

    Such files come from others, so a path must stay inside the dataset's folder.

    Args:
        folder: What the path is relative to.
        path: The path as written.
    """
    if not path:
        return "is empty"
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive or "\\" in path:
        return f"{path!r} must be a relative path with '/' between folders"
    if ".." in PurePosixPath(path).parts:
        return f"{path!r} must not contain '..'"
    if not (folder / path).is_file():
        return f"{path!r} does not exist in {folder}"
    return None
