"""The canonical form of user names, which decides whether two spellings are the same name."""

import unicodedata


def canonical_username(text: str) -> str:
    """NFKC, then case folding, then no spaces at the ends.

    `Alice`, ` alice ` and full-width `ＡＬＩＣＥ` are one name; `alicé` is another. The same
    form is used for look-up, rate limit and comparison: the database's collation, which may
    hold more spellings equal, never decides.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
