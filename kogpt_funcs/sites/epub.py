"""One text as an EPUB 3 file (https://www.w3.org/TR/epub-33/): a title page, the text, a table of contents."""

from __future__ import annotations

import io
import re
import zipfile
from html import escape
from uuid import NAMESPACE_URL, uuid5

_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # Unicode has them, XML has not

_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"""

_PACKAGE = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" xml:lang="ko" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{identifier}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:language>ko</dc:language>
{creators}
<meta property="dcterms:modified">{modified}</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="title" href="title.xhtml" media-type="application/xhtml+xml"/>
<item id="text" href="text.xhtml" media-type="application/xhtml+xml"/>
<item id="style" href="style.css" media-type="text/css"/>
</manifest>
<spine><itemref idref="title"/><itemref idref="text"/></spine>
</package>"""

_PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="ko" lang="ko">
<head><title>{title}</title><link rel="stylesheet" type="text/css" href="style.css"/></head>
<body>
{body}
</body>
</html>"""

_STYLE = """p { margin: 0; text-indent: 1em; line-height: 1.8; word-break: keep-all; }
p.turn { margin-top: 1.2em; }
h1 { margin-top: 30%; text-align: center; }
p.authors { text-align: center; text-indent: 0; }
"""


def epub(name: str, title: str, authors: list[str], texts: list[str], modified: str) -> bytes:
    """The file's bytes. `name` makes the identifier, `modified` is ISO 8601 in UTC; each line of a text is a
    paragraph.
    """
    told, by = _xml(title), _xml(", ".join(authors))
    files = {
        "META-INF/container.xml": _CONTAINER,
        "book.opf": _PACKAGE.format(
            identifier=uuid5(NAMESPACE_URL, f"kogpt-funcs/stories/{name}"),
            title=told,
            modified=modified,
            creators="\n".join(f"<dc:creator>{_xml(author)}</dc:creator>" for author in authors),
        ),
        "nav.xhtml": _PAGE.format(
            title=told,
            body=f'<nav epub:type="toc"><h1>차례</h1><ol><li><a href="text.xhtml">{told}</a></li></ol></nav>',
        ),
        "title.xhtml": _PAGE.format(title=told, body=f'<h1>{told}</h1>\n<p class="authors">{by}</p>'),
        "text.xhtml": _PAGE.format(title=told, body="\n".join(map(_paragraphs, texts))),
        "style.css": _STYLE,
    }
    return _packed(files)


def _paragraphs(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    first, *rest = [f">{_xml(line)}</p>" for line in lines]
    return "\n".join([f'<p class="turn"{first}', *(f"<p{line}" for line in rest)])


def _xml(text: str) -> str:
    return escape(_NO_CHARACTERS.sub("", text))


def _packed(files: dict[str, str]) -> bytes:
    """A zip whose first entry, not compressed, says what it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()
