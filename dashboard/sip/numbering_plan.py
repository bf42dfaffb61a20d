"""
Country and kind of dialed numbers, from the numbering plans of ``phonenumbers``.

The carrier's ``destination_name`` is its rating of a call; this module classifies the number itself. Do not judge a
call by it alone: numbering plans change before libraries do, and a ported number keeps its kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

UNKNOWN = "unknown"
SERVICE = "service"
CACHED = 200_000
"""Cache size in numbers, about 40 MB at most: a contact center dials the same numbers every day."""

NUMBER_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed or mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared cost",
    PhoneNumberType.VOIP: "VoIP",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company-wide",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.UNKNOWN: UNKNOWN,
}
"""Labels for the library's number types. North American fixed and mobile numbers are indistinguishable."""

SHARED_CODES = {
    800: "International toll-free",
    808: "International shared cost",
    870: "Inmarsat (satellite)",
    878: "Universal personal numbers",
    881: "Satellite networks",
    882: "International networks",
    883: "International networks",
    979: "International premium rate",
}
"""Non-geographic country codes, from the ITU-T list of E.164 country codes; some are common in toll fraud."""

_N11 = re.compile(r"[2-9]11", re.ASCII)
_E164 = re.compile(r"[1-9]\d{4,14}", re.ASCII)
_NANP = re.compile(r"1[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_NO_COUNTRY = "001"


@dataclass(frozen=True, slots=True)
class NumberKind:
    """The country and the type of a dialed number."""

    region: str
    """ISO 3166 code; ``""`` for a number that belongs to no country or could belong to several."""
    country: str
    """English country name, or the service of a non-geographic country code; else ``""``."""
    number_type: str
    """One of ``NUMBER_TYPES``, or ``service`` for an N11 code."""


NOTHING = NumberKind("", "", UNKNOWN)


@lru_cache(maxsize=CACHED)
def kind_of(number: str) -> NumberKind:
    """
    Return the country and the type of a number.

    Args:
        number: The number as dialed: E.164 digits without ``+``, or an N11 code.

    Returns:
        The country and the type. ``number_type`` is ``unknown`` for a number outside the numbering plan; its
        country is then set only if the country code belongs to a single country.
    """
    if _N11.fullmatch(number):
        return _kind("", "", SERVICE)
    if not _E164.fullmatch(number) or (number[0] == "1" and not _NANP.fullmatch(number)):
        return NOTHING
    try:
        parsed = _parsed(number)
    except phonenumbers.NumberParseException:
        return NOTHING
    code = parsed.country_code or 0
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        possible = phonenumbers.region_codes_for_country_code(code)
        region = possible[0] if len(possible) == 1 else ""
    number_type = NUMBER_TYPES[phonenumbers.number_type(parsed)]
    if region == _NO_COUNTRY:
        return _kind("", SHARED_CODES.get(code, ""), number_type)
    return _kind(region, COUNTRIES.get(region, ""), number_type)


def classify(numbers: pd.Series) -> pd.DataFrame:
    """
    Return country and type for a column of numbers; each distinct number is looked up once.

    Args:
        numbers: Numbers as dialed; missing values are treated as ``""``.

    Returns:
        ``region``, ``country``, ``number_type`` (see ``NumberKind``), all text, on the index of ``numbers``.
    """
    codes, distinct = pd.factorize(numbers.fillna(""))
    kinds = [kind_of(number) for number in distinct]
    return pd.DataFrame(
        {
            name: pd.array([getattr(kind, name) for kind in kinds], dtype="str").take(codes)
            for name in ("region", "country", "number_type")
        },
        index=numbers.index,
    )


def describe_number(frame: pd.DataFrame) -> pd.DataFrame:
    """Add ``country``, ``kind`` (of number) and ``minutes`` to rows with ``destination`` and ``duration_s``."""
    kinds = classify(frame["destination"])
    return frame.assign(country=kinds["country"], kind=kinds["number_type"], minutes=frame["duration_s"] / 60)


@lru_cache
def _kind(region: str, country: str, number_type: str) -> NumberKind:
    """Return one shared ``NumberKind`` per combination of values."""
    return NumberKind(region, country, number_type)


def _parsed(number: str) -> PhoneNumber:
    """Parse a number; skip the country code search for a North American one."""
    if number[0] == "1":
        return PhoneNumber(country_code=1, national_number=int(number[1:]))
    return phonenumbers.parse(f"+{number}")


COUNTRIES = dict(
    entry.split(" ", 1)
    for entry in """
AC Ascension Island; AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla; AL
Albania; AM Armenia; AO Angola; AR Argentina; AS American Samoa; AT Austria; AU Australia; AW Aruba; AX Åland
Islands; AZ Azerbaijan; BA Bosnia and Herzegovina; BB Barbados; BD Bangladesh; BE Belgium; BF Burkina Faso; BG
Bulgaria; BH Bahrain; BI Burundi; BJ Benin; BL Saint Barthélemy; BM Bermuda; BN Brunei; BO Bolivia; BQ Bonaire, Sint
Eustatius and Saba; BR Brazil; BS Bahamas; BT Bhutan; BW Botswana; BY Belarus; BZ Belize; CA Canada; CC Cocos
Islands; CD The Democratic Republic Of Congo; CF Central African Republic; CG Congo; CH Switzerland; CI Côte
d'Ivoire; CK Cook Islands; CL Chile; CM Cameroon; CN China; CO Colombia; CR Costa Rica; CU Cuba; CV Cape Verde; CW
Curaçao; CX Christmas Island; CY Cyprus; CZ Czech Republic; DE Germany; DJ Djibouti; DK Denmark; DM Dominica; DO
Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; EG Egypt; EH Western Sahara; ER Eritrea; ES Spain; ET
Ethiopia; FI Finland; FJ Fiji; FK Falkland Islands; FM Micronesia; FO Faroe Islands; FR France; GA Gabon; GB United
Kingdom; GD Grenada; GE Georgia; GF French Guiana; GG Guernsey; GH Ghana; GI Gibraltar; GL Greenland; GM Gambia; GN
Guinea; GP Guadeloupe; GQ Equatorial Guinea; GR Greece; GT Guatemala; GU Guam; GW Guinea-Bissau; GY Guyana; HK Hong
Kong; HN Honduras; HR Croatia; HT Haiti; HU Hungary; ID Indonesia; IE Ireland; IL Israel; IM Isle Of Man; IN India;
IO British Indian Ocean Territory; IQ Iraq; IR Iran; IS Iceland; IT Italy; JE Jersey; JM Jamaica; JO Jordan; JP
Japan; KE Kenya; KG Kyrgyzstan; KH Cambodia; KI Kiribati; KM Comoros; KN Saint Kitts And Nevis; KP North Korea; KR
South Korea; KW Kuwait; KY Cayman Islands; KZ Kazakhstan; LA Laos; LB Lebanon; LC Saint Lucia; LI Liechtenstein; LK
Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg; LV Latvia; LY Libya; MA Morocco; MC Monaco; MD
Moldova; ME Montenegro; MF Saint Martin; MG Madagascar; MH Marshall Islands; MK Macedonia; ML Mali; MM Myanmar; MN
Mongolia; MO Macao; MP Northern Mariana Islands; MQ Martinique; MR Mauritania; MS Montserrat; MT Malta; MU
Mauritius; MV Maldives; MW Malawi; MX Mexico; MY Malaysia; MZ Mozambique; NA Namibia; NC New Caledonia; NE Niger; NF
Norfolk Island; NG Nigeria; NI Nicaragua; NL Netherlands; NO Norway; NP Nepal; NR Nauru; NU Niue; NZ New Zealand; OM
Oman; PA Panama; PE Peru; PF French Polynesia; PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland; PM Saint
Pierre And Miquelon; PR Puerto Rico; PS Palestine; PT Portugal; PW Palau; PY Paraguay; QA Qatar; RE Reunion; RO
Romania; RS Serbia; RU Russia; RW Rwanda; SA Saudi Arabia; SB Solomon Islands; SC Seychelles; SD Sudan; SE Sweden;
SG Singapore; SH Saint Helena; SI Slovenia; SJ Svalbard And Jan Mayen; SK Slovakia; SL Sierra Leone; SM San Marino;
SN Senegal; SO Somalia; SR Suriname; SS South Sudan; ST Sao Tome And Principe; SV El Salvador; SX Sint Maarten
(Dutch part); SY Syria; SZ Swaziland; TA Tristan da Cunha; TC Turks And Caicos Islands; TD Chad; TG Togo; TH
Thailand; TJ Tajikistan; TK Tokelau; TL Timor-Leste; TM Turkmenistan; TN Tunisia; TO Tonga; TR Turkey; TT Trinidad
and Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda; US United States; UY Uruguay; UZ Uzbekistan;
VA Vatican; VC Saint Vincent And The Grenadines; VE Venezuela; VG British Virgin Islands; VI U.S. Virgin Islands; VN
Vietnam; VU Vanuatu; WF Wallis And Futuna; WS Samoa; XK Kosovo; YE Yemen; YT Mayotte; ZA South Africa; ZM Zambia; ZW
Zimbabwe
""".strip()
    .replace("\n", " ")
    .split("; ")
)
"""
English names (Unicode CLDR) of all regions in ``phonenumbers``. The library includes them too, but loading them
also loads 150 MB of place names.
"""
