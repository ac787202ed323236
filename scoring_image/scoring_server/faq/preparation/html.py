"""HTML to plain text, in time that grows with the text alone.

The standard library's parser takes half a minute for 50 kB of unfinished tags.
"""

import re
from html import unescape

from scoring_server.faq.text import MAX_CHARACTERS

# Models read so much text; markup rarely takes more than four times as much again.
_MAX_HTML = 5 * MAX_CHARACTERS
_MARKUP = re.compile(r"<!--|-->|<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9]*)\b[^<>]*>")
# Blocks of code are not what a question says, and a style is no text at all.
_SKIPPED = frozenset({"pre", "script", "style"})
_INLINE = frozenset(
    {
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i",
        "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
        "time", "tt", "u", "var", "wbr",
    }
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd",
        "details", "div", "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4",
        "h5", "h6", "head", "header", "hr", "html", "img", "li", "main", "nav", "ol", "p",
        "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
    }
)  # fmt: skip


def plain_text(html: str) -> str:
    """The text of a piece of HTML, with single spaces.

    Blocks of code, scripts, styles and comments are left out. What looks like a tag but is none of
    HTML, such as the `<String>` of `List<String>`, stays.
    """
    html = html[:_MAX_HTML]
    last_comment_end = html.rfind("-->")
    parts: list[str] = []
    start = 0  # of the text that is not yet taken
    hidden_by = ""  # the tag or the comment that hides what follows
    for markup in _MARKUP.finditer(html):
        tag = (markup["tag"] or markup[0]).lower()
        if hidden_by:
            if tag == hidden_by and markup["end"] != "":
                hidden_by, start = "", markup.end()
            continue
        text_before = html[start : markup.start()]
        if tag in _INLINE:
            parts.append(text_before)
        elif tag in _BLOCKS or tag in _SKIPPED:
            parts += [text_before, " "]
        elif tag != "<!--" or markup.start() > last_comment_end:
            continue
        else:
            parts.append(text_before)
        start = markup.end()
        if tag == "<!--":
            hidden_by = "-->"
        elif tag in _SKIPPED and not markup["end"]:
            hidden_by = tag
    if not hidden_by:
        parts.append(html[start:])
    return " ".join(unescape("".join(parts)).split())
