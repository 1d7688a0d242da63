"""`vlmbench site`: the whole workspace's results as a static site."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import open_workspace, workspace_option

if TYPE_CHECKING:
    from vlmbench_assets.site.pictures import Images

MEGABYTE = 1_000_000


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--images",
    type=click.Choice(["none", "small", "full"]),
    default="small",
    show_default=True,
    help="Pictures of the documents: none, at most 720 pixels wide, or at most 2,400.",
)
@workspace_option
def site(*, folder: Path, images: "Images", workspace: Path | None) -> None:
    """Write all results as a static site into DIR: for a browser, from the disk or from any web server."""
    from vlmbench_assets.site.write import write_site

    def say(line: str) -> None:
        click.echo(line, err=True)

    done = write_site(open_workspace(workspace), folder, images, say)
    click.echo(f"{folder / 'index.html'}: {done.files} files, {done.bytes / MEGABYTE:.1f} MB")
    if images != "none":
        click.echo(f"pictures: {done.pictures_made} made, {done.pictures_kept} from before")
    if done.pictures_lost:
        click.echo(f"{done.pictures_lost} images are gone, were changed since they were asked, or are no pictures")
