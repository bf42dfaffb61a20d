"""Tech prefix, destination and dial string: accepted values, and a message for every other value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.core.errors import DialStringError
from dashboard.sip import build, lint, parse, parse_pop, parse_tech_prefix, read_number
from dashboard.sip.destination import Kind, parse_destination
from tests.texts import golden, golden_pattern

PREFIX = "12345678"
POP = "us-west-or.sip.flowroute.com"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("1234567", golden("errors.dial_string.seven_digits")),
        ("123456789", golden("errors.dial_string.nine_digits")),
        ("1234567a", "'1234567a' " + golden("errors.portal.has_letters")),
        ("ABCDEFGH", golden("errors.portal.has_letters")),
        ("12345678*", "without * or #"),
        (" 12345678", "more than digits"),
        ("=1+1", "more than digits"),
        ("١٢٣٤٥٦٧٨", "more than digits"),
    ],
)
def test_a_tech_prefix_is_eight_digits(text, sentence):
    """Seven digits, letters and other faults each have their own message."""
    with pytest.raises(DialStringError, match="tech prefix") as caught:
        parse_tech_prefix(text)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "region", "e164"),
    [
        ("12065550100", Kind.NANP, "US", "+12065550100"),
        ("16135550100", Kind.NANP, "CA", "+16135550100"),
        ("442079460123", Kind.INTERNATIONAL, "GB", "+442079460123"),
        ("441632960123", Kind.INTERNATIONAL, "GB", "+441632960123"),
        ("4711234567", Kind.INTERNATIONAL, "NO", "+4711234567"),
        ("8835100012345", Kind.INTERNATIONAL, "", "+8835100012345"),
        ("911", Kind.N11, "", "911"),
        ("411", Kind.N11, "", "411"),
    ],
)
def test_valid_destinations_are_accepted(text, kind, region, e164):
    """Accepted are 1 and ten digits, country code and number, and N11 codes, which are a separate kind."""
    destination = parse_destination(text)

    assert (destination.digits, destination.kind, destination.region, destination.e164) == (text, kind, region, e164)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2065550100", "put 1 in front"),
        ("+12065550100", "Leave + out"),
        ("011442079460123", "Leave 011 out"),
        ("00442079460123", "begins with 0"),
        ("5550100", "wrong length"),
        ("1206555010", golden("errors.dial_string.not_ten_digits")),
        ("120655501000", golden("errors.dial_string.not_ten_digits")),
        ("10065550100", golden("errors.dial_string.area_code")),
        ("4420794601234567", "at most 15"),
        ("999123456", "no country code"),
        ("1206555O1OO", "digits only"),
        ("12065550100\n", "digits only"),
        ("", "digits only"),
        ("1-206-555-0100", "digits only"),
        ("١٢٠٦٥٥٥٠١٠٠", "digits only"),
    ],
)
def test_destinations_the_carrier_would_refuse_or_misroute(text, sentence):
    """A wrong length can be rated as another country, so it is an error."""
    with pytest.raises(DialStringError) as caught:
        parse_destination(text)

    assert sentence in str(caught.value)


def test_ten_digits_abroad_are_accepted_with_flag():
    """Norwegian numbers have ten digits with their country code; an explicit flag resolves the ambiguity."""
    assert parse_destination("4722123456", abroad=True).region == "NO"
    assert build(PREFIX, "4722123456", POP, abroad=True) == f"{PREFIX}*4722123456@{POP}"


@pytest.mark.parametrize(
    "text", ["12065550100", "+12065550100", "+1 (206) 555-0100", "1.206.555.0100", " +1 206 555 0100 "]
)
def test_our_own_numbers_as_people_write_them(text):
    """Punctuation and a leading + are accepted; the digits are kept."""
    assert read_number(text) == "12065550100"


@pytest.mark.parametrize("text", ["206-555-0100", "=1+1", "+1+1", "911", "", "pbx"])
def test_our_own_numbers_are_whole(text):
    """A number without its country code, a service code and a formula are not DIDs."""
    with pytest.raises(DialStringError):
        read_number(text)
    assert read_number("+47 22 12 34 56") == "4722123456"


def test_a_dial_string_is_written_with_a_star():
    """TECHPREFIX*1NPANXXXXXX@PoP, the host in lower case."""
    assert build(PREFIX, "12066418000", POP.upper()) == "12345678*12066418000@us-west-or.sip.flowroute.com"


@pytest.mark.parametrize("pop", ["", "a b", "host/path", "-x", "x" * 300, "host:port"])
def test_a_pop_is_a_host_name(pop):
    """A PoP that is not a host name is refused."""
    with pytest.raises(DialStringError, match=golden_pattern("commands.probe.not_a_host_name")):
        build(PREFIX, "12065550100", pop)


@pytest.mark.parametrize(
    "text",
    [
        f"12345678*12066418000@{POP}",
        f"12345678#12066418000@{POP}",
        f"12345678%2312066418000@{POP}",
        f"sip:12345678%2A12066418000@{POP};transport=udp",
        f"<sip:12345678%2a12066418000;phone-context=x@{POP}>",
        f"PJSIP/12345678*12066418000@{POP}",
    ],
)
def test_star_hash_and_escapes_are_read(text):
    """All forms that the carrier accepts are parsed, and formatted with a star."""
    assert str(parse(text)) == f"12345678*12066418000@{POP}"


def test_the_user_part_alone_is_read():
    """Without a PoP, the dial string is the user part that a trunk prepends to."""
    assert str(parse("12345678*911")) == "12345678*911"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("12065550100@host", "no * between"),
        ("12345678*12345678*12065550100", "more than one"),
        ("1234567*12065550100", "has 7 digits"),
        ("1234567x*12065550100", "has letters"),
        ("12345678*2065550100", "put 1 in front"),
        ("12345678*12065550100@ho st", golden("commands.probe.not_a_host_name")),
    ],
)
def test_invalid_dial_string_names_its_fault(text, sentence):
    """Each invalid part is named."""
    with pytest.raises(DialStringError) as caught:
        parse(text)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (f"{PREFIX}*12065550100@{POP}", []),
        (f"{PREFIX}%2312065550100@{POP}", []),
        (f"{PREFIX}*${{EXTEN}}@trunk", []),
        (f"12065550100@{POP}", ["prefix_missing"]),
        ("*12065550100", ["prefix_missing"]),
        ("${EXTEN}@trunk", ["prefix_missing"]),
        (f"87654321*12065550100@{POP}", ["prefix_wrong"]),
        (f"{PREFIX}*{PREFIX}*12065550100@{POP}", ["prefix_twice"]),
        (f"{PREFIX}*{PREFIX}12065550100@{POP}", ["prefix_twice"]),
        (f"{PREFIX}*{PREFIX}${{EXTEN}}@trunk", ["prefix_twice"]),
        (f"{PREFIX}12065550100@{POP}", ["separator_missing"]),
        (f"{PREFIX}*+12065550100@{POP}", ["plus_left_in"]),
        (f"{PREFIX}*011442079460123@{POP}", ["access_code_left_in"]),
        (f"{PREFIX}*011${{EXTEN}}@trunk", ["access_code_left_in"]),
        (f"{PREFIX}*2065550100@{POP}", ["one_missing"]),
        (f"{PREFIX}*+2065550100@{POP}", ["plus_left_in", "one_missing"]),
        (f"{PREFIX}*1206555010@{POP}", ["wrong_length"]),
        (f"{PREFIX}*12065550100@us-east-nj.sip.flowroute.com:5060", ["pop_retired"]),
        (f"{PREFIX}*12065550100@147.75.65.195", ["pop_retired"]),
        ("2065550100@216.115.69.144", ["prefix_missing", "one_missing", "pop_retired"]),
        ("", ["prefix_missing", "not_digits"]),
    ],
)
def test_lint_reports_every_fault(text, codes):
    """Several faults of a dial string are each reported once, with the remedy as a sentence."""
    issues = lint(text, PREFIX)

    assert [issue.code for issue in issues] == codes
    assert all(issue.sentence.endswith(".") for issue in issues)


nanp = st.from_regex(r"\A1[2-9][0-9]{2}[2-9][0-9]{6}\Z")
n11 = st.from_regex(r"\A[2-9]11\Z")
british = st.from_regex(r"\A44[1-9][0-9]{9}\Z")


@given(st.from_regex(r"\A[0-9]{8}\Z"), nanp | n11 | british, st.sampled_from(["*", "#", "%23"]))
def test_built_dial_string_parses_back(tech_prefix, destination, separator):
    """A dial string in any accepted form parses to the same call, and lint finds nothing."""
    text = build(tech_prefix, destination, POP)
    read = parse(text.replace("*", separator))

    assert str(read) == text
    assert (read.tech_prefix, read.destination.digits, read.pop) == (tech_prefix, destination, POP)
    assert lint(text, tech_prefix) == []


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    """Any text gives a dial string or an error message."""
    try:
        answer = str(parse(text))
    except DialStringError as exc:
        answer = str(exc)

    assert answer.endswith(".") or str(parse(answer)) == answer
    assert all(issue.sentence.endswith(".") for issue in lint(text, PREFIX))


def test_a_pop_may_carry_a_port():
    """The carrier also listens on 5160, so a port is kept."""
    assert parse_pop(f"{POP}:5160") == f"{POP}:5160"
