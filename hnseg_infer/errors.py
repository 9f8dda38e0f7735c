"""Errors whose message is one plain sentence that a user may see."""


class HNSegError(Exception):
    """Base of every error that HNSeg raises on purpose."""


class InputError(HNSegError):
    """An input cannot be used; says which file, what was found in it and what is accepted."""


class BundleError(HNSegError):
    """The model bundle is missing, incomplete or altered."""


class DeviceError(HNSegError):
    """The requested device or engine is not available on this machine."""


def sentence(error: Exception) -> str:
    """One line for the user; an error that HNSeg did not raise on purpose is HNSeg's own failure."""
    text = " ".join(str(error).split())
    if isinstance(error, HNSegError):
        return text
    return f"HNSeg itself failed ({type(error).__name__}: {text}); please report it with the traceback."
