"""Where a ClickHouse server is, as a setting says it.

Belongs here: the form of the address and its checks. Not here: connecting (clickhouse_server.py).

An address holds no password, and what is wrong with one is said without showing it: whoever writes
a password into it by mistake does not find it in a log.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

SCHEME = "clickhouse://"
PASSWORD = "QUANT_ASSETS_CLICKHOUSE_PASSWORD"
_OPTIONS = ("secure", "ca_cert")


@dataclass(frozen=True)
class Address:
    """Where a server is: `clickhouse://user@host:port/database?secure=1&ca_cert=/etc/ca.pem`.

    `database` holds the warehouse's own bookkeeping; tables stand in databases named by market.
    """

    user: str
    host: str
    port: int
    database: str
    secure: bool = False
    ca_cert: str | None = None

    def __str__(self) -> str:
        options = {"secure": "1"} if self.secure else {}
        if self.ca_cert:
            options["ca_cert"] = self.ca_cert
        host = f"[{self.host}]" if ":" in self.host else self.host
        tail = f"?{urlencode(options, safe='/')}" if options else ""
        return f"{SCHEME}{quote(self.user)}@{host}:{self.port}/{self.database}{tail}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The address in a setting; ValueError says what is wrong, without showing the text."""
        form = f"must be written {SCHEME}user@host:port/database?secure=1"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError(f"{form}. Got another form instead") from None
        database = parts.path.strip("/") or "quant_assets"
        if parts.password is not None or "@" in parts.path:
            raise ValueError(
                f"{form}, without a password: set {PASSWORD} to it. Got one with a password instead"
            )
        if not (text.startswith(SCHEME) and parts.hostname and database.isidentifier()):
            raise ValueError(f"{form}. Got another form instead")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        for option in options:
            if option not in _OPTIONS:
                raise ValueError(f"takes the options {', '.join(_OPTIONS)}. Got another instead")
        if options.get("secure", "0") not in ("0", "1"):
            raise ValueError("secure must be 0 or 1. Got something else instead")
        secure = options.get("secure") == "1"
        return cls(
            user=unquote(parts.username or "default"),
            host=parts.hostname,
            port=port or (8443 if secure else 8123),
            database=database,
            secure=secure,
            ca_cert=options.get("ca_cert"),
        )
