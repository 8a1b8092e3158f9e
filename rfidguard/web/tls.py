"""TLS of the web server: its certificate, and the authority of those that callers must show."""

import ssl

from rfidguard.config import Http
from rfidguard.errors import ConfigError
from rfidguard.web.access import access_from, check_listen


def http_faults(http: Http) -> list[str]:
    """Everything that would keep the web server from serving safely: address, tokens, certificates. Reads their files."""
    faults: list[str] = []
    for look in (check_listen, access_from, tls_from):
        try:
            look(http)
        except ConfigError as error:
            faults += error.problems
    return faults


def tls_from(http: Http) -> ssl.SSLContext | None:
    """The context to serve with; None where no certificate is configured. Raises ConfigError naming each file that is no good.

    TLS 1.2 or newer. With `ca_file` a caller without a certificate of that authority is not let in.
    """
    if http.cert_file is None or http.key_file is None:
        if http.cert_file or http.key_file or http.ca_file:
            raise ConfigError(["[http] cert_file and key_file belong together, and ca_file needs both"])
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(http.cert_file, http.key_file, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        text = f"[http] cert_file {http.cert_file} and key_file {http.key_file} cannot be used together: {_said(error)}"
        raise ConfigError([text]) from error
    if http.ca_file is not None:
        try:
            context.load_verify_locations(http.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError([f"[http] ca_file {http.ca_file} cannot be used: {_said(error)}"]) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted; store it without a passphrase, readable by the daemon only")


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
