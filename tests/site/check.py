"""The built site, without a network: links, then what a browser and axe-core say of each page.

make site
python tests/site/check.py --axe axe.min.js --browser /usr/bin/chromium   # pip install playwright
"""

import argparse
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
REFERENCE = re.compile(r'\b(?:href|src|srcset)="([^"]+)"')
LOADED = re.compile(
    r'<(?:script|img|source|iframe)\b[^>]*\bsrc(?:set)?="(https?:[^"]+)"|<link\b[^>]*rel="stylesheet"[^>]*href="(https?:[^"]+)"'
)
ANCHOR = re.compile(r'\b(?:id|name)="([^"]+)"')
LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


def broken(site: Path) -> Iterator[str]:
    """Links to files or anchors that are not there, and what is loaded from another host."""
    text = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    for path, page in text.items():
        name = path.relative_to(site)
        yield from (f"{name}: loads {''.join(one)}" for one in LOADED.findall(page))
        for link in set(REFERENCE.findall(page)):
            if path.name == "404.html" or re.match(r"[a-z]+:", link):
                continue
            where, anchor = urldefrag(unquote(link))
            target = (path.parent / where).resolve() if where else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{name}: no {link}"
            elif anchor and target in text and anchor not in ANCHOR.findall(text[target]):
                yield f"{name}: no anchor {link}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of the site on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def violations(site: Path, axe: Path, browser: str, pages: str) -> Iterator[str]:
    """Of axe-core, on each page, wide and narrow, light and dark; and requests elsewhere."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, served(site) as home:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for width, scheme in LOOKS:
            page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            requests: list[str] = []
            page.on("request", lambda one, seen=requests: seen.append(one.url))
            for path in sorted(site.glob(pages)):
                where = f"{path.relative_to(site)} at {width} px, {scheme}"
                page.goto(f"{home}/{path.relative_to(site).as_posix()}")
                page.wait_for_timeout(100)
                page.add_script_tag(path=str(axe))
                found = page.evaluate("axe.run().then(result => result.violations)")
                for one in found:
                    first = one["nodes"][0]["html"][:100]
                    yield f"{where}: {one['id']} × {len(one['nodes'])}, first {first}"
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    yield f"{where}: the page is wider than the window"
            yield from (
                f"requests {url}"
                for url in requests
                if not url.startswith((home, "data:", "blob:"))
            )
        chromium.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Check links and accessibility of build/site.")
    parser.add_argument("--site", type=Path, default=SITE)
    parser.add_argument("--axe", type=Path, help="axe.min.js of the npm package axe-core")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--pages", default="**/*.html", help="those that axe looks at")
    asked = parser.parse_args()
    found = [*broken(asked.site)]
    if asked.axe:
        found += violations(asked.site, asked.axe, asked.browser, asked.pages)
    print("\n".join(found) or f"{len([*asked.site.rglob('*.html')])} pages, nothing found")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
