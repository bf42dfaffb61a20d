"""SIPp scenarios, made from the templates in this module and in ``scenarios``."""

from __future__ import annotations

from pathlib import Path

TEMPLATES = Path(__file__).parent / "scenarios"
REFUSALS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}
ENDINGS = {"6": 486, "4": 404, "7": 480, "3": 503}
"""Final status of a call at the far end, by the last digit of the number; other calls are answered."""

_INVITE = """  <send retrans="500"><![CDATA[
INVITE sip:[field0]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]C[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: {cseq} INVITE
Contact: <sip:[field1]@[local_ip]:[local_port]>
Max-Forwards: 70
{tag}{digest}Content-Type: application/sdp
Content-Length: [len]

v=0
o=pbx 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>"""

_ACK_TO_REFUSAL = """<![CDATA[
ACK sip:[field0]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]C[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: {cseq} ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""

_REFUSED = """  <label id="{label}"/>
  <nop><action><log message="[field0] {code}"/></action></nop>
  <send next="9000">"""

_IN_CALL = """<![CDATA[
{method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:[field1]@[local_ip]:[local_port]>;tag=[pid]C[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
Content-Length: 0

]]></send>"""

_FAR_ENDING = """  <label id="{digit}"/>
  <send retrans="500"><![CDATA[
SIP/2.0 {code} {reason}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]F[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <recv request="ACK" next="9"/>"""


def caller(*, talk_ms: int, user: str = "", password: str = "", tagged: bool = False) -> str:
    """
    Return the scenario of a PBX: field 0 is the dialed user part, 1 the caller ID, 2 the X-Tag.

    Args:
        talk_ms: Duration of an answered call in milliseconds.
        user: User name for a digest challenge; without it the call ends at the challenge.
        password: Password of ``user``.
        tagged: Whether calls have an X-Tag.
    """
    tag = "X-Tag: [field2]\n" if tagged else ""
    parts = ['<?xml version="1.0" encoding="us-ascii"?>', '<scenario name="caller">']
    parts += _stage(1, tag, "", challenged=bool(user))
    if user:
        parts.append("  <send>" + _ACK_TO_REFUSAL.format(cseq=1))
        parts += _stage(2, tag, f"[authentication username={user} password={password}]\n", challenged=False)
    for cseq in (1, 2) if user else (1,):
        parts += _endings(cseq, talk_ms)
    return "\n".join([*parts, '  <label id="9000"/>', "</scenario>", ""])


def _stage(cseq: int, tag: str, digest: str, *, challenged: bool) -> list[str]:
    """Return steps that send an INVITE; each final response jumps to its ending, an answered challenge continues."""
    last = 407 if challenged else 200
    codes = [code for code in (*REFUSALS, 200) if code != last]
    optional = [f'  <recv response="{code}" optional="true" next="{cseq}{code}" rrs="true"/>' for code in codes]
    final = (
        '  <recv response="407" auth="true"/>'
        if challenged
        else f'  <recv response="200" rrs="true" next="{cseq}200"/>'
    )
    return [_INVITE.format(cseq=cseq, tag=tag, digest=digest), *optional, final]


def _endings(cseq: int, talk_ms: int) -> list[str]:
    parts = []
    for code in REFUSALS:
        ending = _REFUSED.format(label=f"{cseq}{code}", code=code)
        parts.append(ending + _ACK_TO_REFUSAL.format(cseq=cseq))
    parts += [
        f'  <label id="{cseq}200"/>',
        '  <nop><action><log message="[field0] 200"/></action></nop>',
        "  <send>" + _IN_CALL.format(method="ACK", cseq=cseq),
        f'  <pause milliseconds="{talk_ms}"/>',
        '  <send retrans="500">' + _IN_CALL.format(method="BYE", cseq=cseq + 1),
        '  <recv response="200" next="9000"/>',
    ]
    return parts


def far_end() -> str:
    """Return the scenario of the far end."""
    endings = [_FAR_ENDING.format(digit=digit, code=code, reason=REFUSALS[code]) for digit, code in ENDINGS.items()]
    text = (TEMPLATES / "pstn.xml").read_text(encoding="ascii")
    return text.replace("@ENDINGS@", "\n".join(endings))
