"""Names of settings that contain a secret, by source; the values of such settings are dropped."""

from __future__ import annotations

import pytest

from dashboard.pbx.readers.secrets import NamesOf, Secret, by_name, is_secret_name
from tests.paths import PACKAGE

PBXS = {NamesOf.ASTERISK, NamesOf.FREESWITCH, NamesOf.KAMAILIO}
OBJECTS = {*PBXS, NamesOf.NETBOX}
EVERY = set(NamesOf)


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("secret", EVERY),
        ("Password", EVERY),
        ("trunk_password", EVERY),
        ("api_token", EVERY),
        ("flowroute_secret_key", EVERY),
        ("access_key", OBJECTS),
        ("access-key", OBJECTS - {NamesOf.KAMAILIO}),
        ("pass", EVERY),
        ("sip_pass", OBJECTS),
        ("key", {NamesOf.ADDRESS}),
        ("user", {NamesOf.ADDRESS}),
        ("passthrough", set()),
        ("fax_pass_through", set()),
        ("password_column", EVERY - {NamesOf.KAMAILIO}),
        ("auth_password_avp", EVERY - {NamesOf.KAMAILIO}),
        ("md5_cred", {NamesOf.ASTERISK}),
        ("credential", {NamesOf.ASTERISK, NamesOf.KAMAILIO}),
        ("authorization", {NamesOf.ASTERISK, NamesOf.FREESWITCH}),
        ("a1-hash", {NamesOf.FREESWITCH}),
        ("ha1", {NamesOf.KAMAILIO, NamesOf.NETBOX}),
        ("db_pwd", {NamesOf.KAMAILIO, NamesOf.NETBOX}),
        ("vm_pin", {NamesOf.ASTERISK, NamesOf.FREESWITCH, NamesOf.NETBOX}),
        ("spinning", set()),
        ("host", set()),
        ("", set()),
    ],
)
def test_name_is_secret_in_its_sources(name: str, sources: set[NamesOf]) -> None:
    """Each source has its own names; a name that only looks similar is kept."""
    assert sources == {source for source in NamesOf if is_secret_name(name, source)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flowroute_access_key", Secret.API_KEY),
        ("refresh_token", Secret.UNKNOWN),
        ("vm-password", Secret.PIN),
        ("event_socket_password", Secret.MANAGEMENT),
        ("AMPDBPASS", Secret.DATABASE),
        ("default_password", Secret.PHONE),
        ("secret", Secret.UNKNOWN),
    ],
)
def test_name_shows_the_kind(name: str, kind: Secret) -> None:
    """The kind follows from the name where the name says what the secret opens."""
    assert kind is by_name(name)


def test_names_are_classified_in_one_module() -> None:
    """No other module of the readers has a pattern of secret names."""
    patterns = [path.name for path in (PACKAGE / "pbx").rglob("*.py") if r"secret|" in path.read_text()]

    assert ["secrets.py"] == patterns
