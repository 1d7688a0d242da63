"""Pictures look the same to every model."""

import io

import pytest
from PIL import Image

from vlmbench_sdk import RequestError
from vlmbench_sdk.media import open_picture


def stored(picture: Image.Image) -> io.BytesIO:
    out = io.BytesIO()
    picture.save(out, "png")
    return out


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_white_and_black_ink_stays(mode: str) -> None:
    # Black under the transparency, as drawing programs write it.
    picture = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    picture.putpixel((0, 0), (0, 0, 0, 255))
    opened = open_picture(stored(picture.convert(mode)), "page.png")
    assert opened.getpixel((0, 0)) == (0, 0, 0)
    assert opened.getpixel((3, 1)) == (255, 255, 255)
    assert opened.mode == "RGB"


def test_a_colour_that_stands_for_transparency_is_white() -> None:
    picture = Image.new("RGB", (2, 1), (1, 2, 3))
    picture.putpixel((0, 0), (0, 0, 0))
    out = io.BytesIO()
    picture.save(out, "png", transparency=(1, 2, 3))
    opened = open_picture(out, "page.png")
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (255, 255, 255)]


def test_sixteen_bits_are_scaled() -> None:
    picture = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 257 * 100, 65535)):
        picture.putpixel((x, 0), value)
    opened = open_picture(stored(picture), "page.png")
    assert [opened.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0), (100, 100, 100), (255, 255, 255)]


def test_the_longest_side_is_kept_to() -> None:
    assert open_picture(stored(Image.new("L", (200, 100))), "page.png", 50).size == (50, 25)
    assert open_picture(stored(Image.new("L", (200, 100))), "page.png", 500).size == (200, 100)


def test_a_file_that_is_cut_off_is_refused() -> None:
    whole = stored(Image.effect_noise((64, 64), 50)).getvalue()
    with pytest.raises(RequestError, match="cannot be read as a picture"):
        open_picture(io.BytesIO(whole[: len(whole) // 2]), "page.png")
