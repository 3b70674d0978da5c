"""The certificate of `serve --tls`: one that was given, or one of our own for this machine's names."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.core.clock import Clock
from sandbox.core.errors import UsageError
from sandbox.core.files import make_private, make_private_folder
from sandbox.core.payer import Certificate

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
        server_context(certificate, key)
    except (ssl.SSLError, ValueError) as problem:
        reason = getattr(problem, "reason", None) or str(problem) or "not PEM"
        why = reason.lower().replace("_", " ")
        raise UsageError(f"{certificate} and {key} are no certificate and its key: {why}") from None
    return certificate, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return how a server speaks TLS with this certificate. Raises ssl.SSLError, OSError, ValueError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # A passphrase cannot be asked for by a server: an encrypted key is refused as a wrong one is.
    context.load_cert_chain(certificate, key, lambda: "")
    return context


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
            _make(certificate, key, names, clock.now())
    except OSError as problem:
        raise UsageError(f"{folder}: no certificate can be kept here ({problem.strerror})") from None
    return certificate, key


def invalid(folder: Path, hosts: Iterable[str], clock: Clock, certificate: Certificate) -> tuple[Path, Path]:
    """Return the files of a certificate that clients must refuse, made anew in a folder, and of its key.

    It is expired, or it names another host; or an intermediate authority signed it that the server does not
    send, and `trust` is the root to which the chain would lead. Raises UsageError.
    """
    files = folder / f"tls-{certificate}-certificate.pem", folder / f"tls-{certificate}-key.pem"
    names = list(dict.fromkeys([*_ALWAYS, *(host for host in hosts if host not in _ANYWHERE)]))
    try:
        make_private_folder(folder)
        if certificate == "incomplete-chain":
            root = _Authority("payer-sandbox root", clock.now())
            intermediate = _Authority("payer-sandbox intermediate", clock.now(), root)
            _write(trust(files[0]), root.certificate.public_bytes(_PEM), 0o644)
            signer: _Authority | None = intermediate
        else:
            signer = None
        expired = timedelta(days=DAYS + 1) if certificate == "expired" else timedelta()
        shown = ["wrong-host.invalid"] if certificate == "wrong-host" else names
        _make(*files, shown, clock.now() - expired, signer)
    except OSError as problem:
        raise UsageError(f"{folder}: no certificate can be kept here ({problem.strerror})") from None
    return files


def trust(certificate: Path) -> Path:
    """Return the file that a client must trust to accept a certificate of ours."""
    if certificate.name != "tls-incomplete-chain-certificate.pem":
        return certificate
    return certificate.with_name("tls-incomplete-chain-root.pem")


_PEM = serialization.Encoding.PEM


class _Authority:
    """A certificate authority that signs others: a root, or one that `parent` signed."""

    def __init__(self, name: str, now: datetime, parent: _Authority | None = None) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        signer = parent or self
        self.certificate = (
            _build(self.name, signer.name, self.key.public_key(), now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(self.identifier, critical=False)
            .add_extension(signer.reference, critical=False)
            .sign(signer.key, hashes.SHA256())
        )

    @property
    def reference(self) -> x509.AuthorityKeyIdentifier:
        """The extension by which certificates name this authority's key."""
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self.identifier)


def _build(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS - 1))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


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


def _make(
    certificate: Path, key: Path, names: list[str], now: datetime, signer: _Authority | None = None
) -> None:
    """Write a certificate for these names and its key: signed by an authority, or self-signed."""
    private = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "payer-sandbox")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    own_reference = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    # Self-signed, it is its own authority and may sign no other: trusting it trusts nobody else.
    new_certificate = (
        _build(who, signer.name if signer else who, private.public_key(), now)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(
            x509.BasicConstraints(ca=signer is None, path_length=None if signer else 0), critical=True
        )
        .add_extension(_usage(signs=signer is None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(signer.reference if signer else own_reference, critical=False)
        .sign(signer.key if signer else private, hashes.SHA256())
    )
    secret = private.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(key, secret, 0o600)
    _write(certificate, new_certificate.public_bytes(_PEM), 0o644)


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
