"""A certificate for HTTPS made on the spot: a phone's browser gives its camera to HTTPS pages only.

Nobody vouches for it, so that a browser warns once. It holds for a year and lies nowhere on disk.
"""

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fingerspell.errors import ConfigError
from fingerspell.install import pip

if TYPE_CHECKING:
    from cryptography import x509

_DAYS = 365


def given(certificate: Path, key: Path) -> ssl.SSLContext:
    """Returns the TLS settings with a certificate and its key, both PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            found=f"{certificate} and {key}, which cannot be used ({error})",
            expected="a certificate and its key without a password, both PEM files",
            fix="check both paths, or use --https without files for a certificate made here",
        ) from error
    return context


def made(hosts: Sequence[str]) -> ssl.SSLContext:
    """Returns the TLS settings with a new certificate for some names and addresses.

    Raises `ConfigError` where the package that makes it is missing.
    """
    with TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        for path, data in zip((certificate, key), _signed(hosts), strict=True):
            path.touch(mode=0o600)
            path.write_bytes(data)
        return given(certificate, key)


def _signed(hosts: Sequence[str]) -> tuple[bytes, bytes]:
    """Returns a certificate signed by its own key, and the key, both as PEM."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise ConfigError(
            found="--https without a certificate, and no package that makes one",
            expected="the package cryptography, or the files of a certificate and its key",
            fix=pip("install", "cryptography") + ", or --https CERTIFICATE KEY",
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fingerspell")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(list(map(_general_name, hosts))), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return certificate.public_bytes(pem), key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, plain
    )


def _general_name(host: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
