"""A fault rule: the requests that it matches, how often, and what goes wrong with them. It is written as JSON or in one line.

`_web.faults` carries it out.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from .._contract.paths import check_pattern
from .model import Model


def _one_line(text: str) -> str:
    # A text that HTTP cannot carry would break the connection, which is another fault.
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header takes Latin-1 characters only; percent-encode the others") from None
    if not text.isprintable() or text != text.strip():
        raise ValueError("a header is one line, without spaces around it")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):
        raise ValueError("a header's name is letters, digits and hyphens")
    return text


# RFC 9110, 5.1 and 5.5.
HeaderName = Annotated[str, AfterValidator(_token)]
HeaderText = Annotated[str, AfterValidator(_one_line)]


class FaultRule(Model):
    """A fault of a request. The first rule that matches and is not used up applies."""

    model_config: ClassVar[Mapping[str, object]] = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=True, validate_assignment=True
    )

    # The method of the requests, with `*` for any characters.
    method: str = "*"
    # The path of the requests, with `*` for any characters.
    path: str = "*"
    # The number of requests to which the rule applies. `null`: all.
    times: int | None = Field(default=None, ge=1)
    # The number of requests that it lets pass first.
    skip: int = Field(default=0, ge=0)
    # `after`: the service processes the request first, so a ticket is used up and the answer is lost.
    when: Literal["before", "after"] = "before"

    # Real seconds before the answer, in addition to anything else that goes wrong.
    delay: float = Field(default=0, ge=0, le=600)
    # The status of an answer that replaces the service's.
    status: int | None = Field(default=None, ge=200, le=599)
    # The reason in the error body of that answer. It needs a `status`.
    reason: str | None = None
    # The body of that answer, sent unchanged.
    body: Any = None
    # Headers of the answer.
    headers: dict[HeaderName, HeaderText] = Field(default_factory=dict)
    # `true`: the connection breaks (RST).
    reset: bool = False
    # `true`: the answer is not HTTP.
    garbage: bool = False
    # `true`: only half of the answer arrives.
    truncate: bool = False
    # The content type of the answer.
    content_type: HeaderText | None = None
    # The address of a redirect, which replaces the answer.
    redirect: HeaderText | None = None
    # The size of the answer in megabytes.
    huge_megabytes: int | None = Field(default=None, ge=1, le=1024)
    # The real seconds before each byte of the answer.
    drip_seconds: float | None = Field(default=None, gt=0, le=60)

    @model_validator(mode="after")
    def _one_thing_goes_wrong(self) -> FaultRule:
        wrong = ("reset", "garbage", "truncate", "redirect", "huge_megabytes")
        named = [name for name in wrong if getattr(self, name)]
        if len(named) > 1:
            raise ValueError(f"one rule makes one thing go wrong, not {' and '.join(named)}")
        answers = self.status is not None or self.reason is not None or self.body is not None
        if not (named or answers or self.delay or self.headers or self.content_type or self.drip_seconds):
            raise ValueError("the rule changes nothing: give it a status, delay, reset, garbage, truncate, redirect …")
        if self.reason is not None and self.status is None:
            raise ValueError("a reason needs a status")
        return self

    @model_validator(mode="after")
    def _meets_some_request(self) -> FaultRule:
        check_pattern(self.method, self.path)
        return self

    @property
    def answers(self) -> bool:
        """Whether the rule has its own answer, which replaces the service's."""
        return self.status is not None or self.reason is not None or self.body is not None

    def matches(self, method: str, path: str) -> bool:
        """Whether the rule matches this request, even if it is used up."""
        return self.method.upper() in ("*", method) and fnmatchcase(path, self.path)

    def named(self) -> str:
        """The kind of the fault, in one word for the journal."""
        for name in ("reset", "garbage", "truncate", "redirect", "huge_megabytes", "drip_seconds"):
            if getattr(self, name):
                return name.partition("_")[0]
        return (
            "status" if self.answers else "content-type" if self.content_type else "delay" if self.delay else "headers"
        )


_FLAGS = ("reset", "garbage", "truncate")
_SHORT_NAMES = {"huge": "huge_megabytes", "drip": "drip_seconds", "type": "content_type"}
_KNOWN = [*FaultRule.model_fields, *_SHORT_NAMES]


def parse_fault(text: str) -> FaultRule:
    """A rule from JSON, or from its short form: `[METHOD] PATH [STATUS] [reset|garbage|truncate] [name=value …]`.

    For instance `POST /direct-issue/* 503 times=2 retry-after=3`, or `/errand/*/status reset when=after times=1`.
    """
    if text.lstrip().startswith("{"):
        return FaultRule.model_validate_json(text)
    values: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for word in shlex.split(text):
        name, separator, value = word.partition("=")
        field = _SHORT_NAMES.get(name, name.replace("-", "_"))
        if word.startswith("/") or (word == "*" and "method" in values):
            values["path"] = word
        elif separator and field in FaultRule.model_fields:
            values[field] = _json_or_text(value) if field in ("body", "headers") else value
        elif separator and (meant := get_close_matches(field, _KNOWN, n=1, cutoff=0.75)):
            raise ValueError(
                f"{name!r} is not a part of a fault. Did you mean {meant[0].replace('_', '-')!r}? (JSON takes any header.)"
            )
        elif separator:
            headers[name] = value
        elif word in _FLAGS:
            values[word] = True
        elif word.isdigit():
            values["status"] = int(word)
        elif word.isupper() or word == "*":
            values["method"] = word
        else:
            raise ValueError(
                f"{word!r} is not a part of a fault; the form is: [METHOD] PATH [STATUS] [reset] [name=value …]"
            )
    if headers:
        values["headers"] = {**headers, **values.get("headers", {})}
    return FaultRule.model_validate(values)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
