"""Check that every link inside the built site leads to a page and an anchor that there are."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to, and what it can be referred to by."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif value and (name, tag) in {("href", "a"), ("src", "img"), ("href", "link"), ("src", "script")}:
                self.links.add(value)


def dead_links(folder: Path) -> list[str]:
    """Return ``page: link`` for each link inside the site that leads nowhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            anchors = next((p.anchors for own, p in pages.items() if own.resolve() == target), None)
            lost = parts.fragment and anchors is not None and unquote(parts.fragment) not in anchors
            if not target.exists() or lost:
                dead.append(f"{path.relative_to(folder)}: {link}")
    return dead


if __name__ == "__main__":
    found = dead_links(Path(sys.argv[1]))
    print(*found, sep="\n")
    sys.exit(f"{len(found)} dead links" if found else 0)
