"""The certificate of `serve --tls`: one that was given, or one of our own for this machine's names."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.core.clock import Clock
from sandbox.core.errors import UsageError
from sandbox.core.files import make_private, make_private_folder

DAYS = 397
"""How long our own certificate is good for; browsers refuse longer ones."""

_ALWAYS = ("localhost", "127.0.0.1", "::1")
_ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  only compared


def check_pair(certificate: Path, key: Path) -> tuple[Path, Path]:
    """The two files, once they are known to work together. Raises UsageError in one line."""
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as problem:
            raise UsageError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    try:
        # A passphrase cannot be asked for by a server: an encrypted key is refused as a wrong one is.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, lambda: "")
    except (ssl.SSLError, ValueError) as problem:
        reason = getattr(problem, "reason", None) or str(problem) or "not PEM"
        why = reason.lower().replace("_", " ")
        raise UsageError(f"{certificate} and {key} are no certificate and its key: {why}") from None
    return certificate, key


def own(folder: Path, hosts: Iterable[str], clock: Clock) -> tuple[Path, Path]:
    """A self-signed certificate and its key (mode 0600) for loopback and `hosts`, kept in a folder and
    made again when it does not name each of them or is nearly over. Raises UsageError."""
    certificate, key = folder / "tls-certificate.pem", folder / "tls-key.pem"
    names = list(dict.fromkeys([*_ALWAYS, *(host for host in hosts if host not in _ANYWHERE)]))
    try:
        if key.exists():
            make_private(key)
        if not _usable(certificate, key, names, clock):
            make_private_folder(folder)
            _make(certificate, key, names, clock)
    except OSError as problem:
        raise UsageError(f"{folder}: no certificate can be kept here ({problem.strerror})") from None
    return certificate, key


def _usable(certificate: Path, key: Path, names: list[str], clock: Clock) -> bool:
    try:
        kept = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        named = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    is_current = kept.not_valid_before_utc <= clock.now() < kept.not_valid_after_utc - timedelta(days=7)
    is_pair = kept.public_key() == private.public_key()
    return is_current and is_pair and all(_name(name) in named for name in names)


def _make(certificate: Path, key: Path, names: list[str], clock: Clock) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "payer-sandbox")])
    now = clock.now()
    public = private.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    # It is its own authority and may sign no other: trusting it trusts nobody else.
    new_certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS - 1))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(private, hashes.SHA256())
    )
    pem, nothing = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, nothing)
    _write(key, secret, 0o600)
    _write(certificate, new_certificate.public_bytes(pem), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more than `mode` says, not even for a moment."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    part.replace(path)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
