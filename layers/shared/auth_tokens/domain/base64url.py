"""base64url without padding (RFC 7515 §2). The functions of `base64` do the same by several copies and take up to three
times as long, which counts where a token or proof is checked."""

from binascii import a2b_base64, b2a_base64

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_FROM_STANDARD = bytes.maketrans(b"+/", b"-_")
# By the length modulo 4; 1 is no length.
_PADDING = (b"", b"", b"==", b"=")


def to_base64url(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_FROM_STANDARD, b"=").decode()


def from_base64url(text: str) -> bytes:
    """text: of the alphabet, which the caller has checked. Raises ValueError for a length that is none."""
    return a2b_base64(text.encode().translate(_TO_STANDARD) + _PADDING[len(text) % 4])
