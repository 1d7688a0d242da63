"""A thin client of RunPod's REST interface, version 1; why not the official SDK: docs/decisions/0019.

Fields and paths are those of https://docs.runpod.io/api-reference/pods/POST/pods and its neighbours.
"""

import json
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Literal
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from vlmbench_sdk import EnvironmentUnavailableError

KEY = "RUNPOD_API_KEY"
TIMEOUT_S = 30.0
TRIES = 5
LONGEST_WAIT_S = 60.0
LONGEST_ANSWER = 16 << 20
_NO_CAPACITY = re.compile(
    r"no (longer any |available )?instances|instances (are )?(currently )?(un|not )available"
    r"|does not have the resources|not enough free gpus",
    re.IGNORECASE,
)
"""What RunPod says when it has no such machine: issues 21 of runpod-python and 189 of runpodctl, among others."""


class Pod(BaseModel):
    """What is needed of a pod; RunPod tells more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1)
    name: str | None = None
    status: str = Field(default="", alias="desiredStatus")
    """RUNNING, EXITED or TERMINATED: what it is meant to be, not whether it answers already."""
    cost_per_hour: float = Field(default=0.0, alias="costPerHr")
    """US dollars; RunPod writes it as a string in some answers."""
    address: str | None = Field(default=None, alias="publicIp")
    """None or empty until a machine was found and the container started."""
    ports: dict[str, int] | None = Field(default=None, alias="portMappings")
    """Port inside by port outside."""
    last_change: str | None = Field(default=None, alias="lastStatusChange")


_PODS = TypeAdapter(list[Pod])


class NothingRentedError(EnvironmentUnavailableError):
    """RunPod refused an order, so that there is certainly no pod."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """A wait ended because the worker is to be stopped."""


class ApiFailure(Exception):  # noqa: N818 - the words of `EnvironmentUnavailableError` come from it
    """One request that failed."""

    def __init__(self, status: int, text: str, retry_after_s: float | None = None) -> None:
        """Keep the HTTP status, 0 when there was no answer, and the words."""
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.retry_after_s = retry_after_s

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (0, 408, 429) or (self.status >= 500 and not self.no_capacity)

    @property
    def no_capacity(self) -> bool:
        """Whether RunPod has no such machine now."""
        return self.status >= 400 and _NO_CAPACITY.search(self.text) is not None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The standard handler would send the key on to wherever it is told."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the 3xx answer becomes an error."""


class RunPodApi:
    """Rent, look at and end pods."""

    def __init__(self, url: str, *, where: str, stop: threading.Event | None = None) -> None:
        """Take the key from the environment.

        Args:
            url: Base address, without a final slash.
            where: For messages.
            stop: Ends every wait between two attempts.

        Raises:
            EnvironmentUnavailableError: When there is no usable key.
        """
        self._url, self._where = url, where
        self._stop = stop or threading.Event()
        self._key = os.environ.get(KEY, "").strip()
        # Anything else would make http.client name the whole header, and with it the key, in its error.
        if not re.fullmatch(r"[\x21-\x7e]+", self._key):
            what = "is not a key" if self._key else "is not set"
            fix = "Make a key that may write in RunPod's settings, and set it where the run is started"
            raise EnvironmentUnavailableError(f"the environment variable {KEY} {what}", where=where, fix=fix)
        self._opener = urllib.request.build_opener(_NoRedirect)

    def create(self, body: Mapping[str, JsonValue]) -> Pod:
        """Rent one pod, and only one: before a request whose answer was lost is sent again, its name is looked up.

        RunPod is known to answer 500 although the pod was made and costs money (transformerlab-app, pull
        request 2305), and there is no idempotency key; so the name must contain something unique.

        Raises:
            NothingRentedError: When RunPod refused.
            EnvironmentUnavailableError: When it was tried in vain; a pod may have been made all the same.
        """
        name = str(body["name"])
        attempt = 0
        while True:
            try:
                return Pod.model_validate(self._once("POST", "/pods", body))
            except ValidationError:
                failure = ApiFailure(0, "its answer is not a pod")
            except ApiFailure as error:
                failure = error
            if failure.status != 429 and failure.passing and (found := self._look_up(name)):
                return found
            if not failure.passing:
                raise self._explained(failure, NothingRentedError)
            if attempt == TRIES - 1:
                raise self._explained(failure)
            self._pause(attempt, failure)
            attempt += 1

    def find(self, name: str) -> list[Pod]:
        """Every pod of exactly this name."""
        try:
            found = _PODS.validate_python(self._send("GET", "/pods?" + urlencode({"name": name})))
        except ValidationError as error:
            raise self._explained(ApiFailure(0, "its answer is not a list of pods")) from error
        return [pod for pod in found if pod.name == name]

    def get(self, pod_id: str) -> Pod | None:
        """One pod; None when there is no such pod any more."""
        try:
            return Pod.model_validate(self._send("GET", f"/pods/{quote(pod_id, safe='')}"))
        except ValidationError as error:
            raise self._explained(ApiFailure(0, "its answer is not a pod")) from error
        except ApiFailure as failure:
            if failure.status == 404:
                return None
            raise self._explained(failure) from failure

    def end(self, name: str, pod_id: str = "") -> int:
        """End a pod and any other of its name; return how many there were.

        Raises:
            EnvironmentUnavailableError: When that cannot be done, or one of them is still there afterwards.
        """
        ended = self._delete(pod_id) if pod_id else 0
        for pod in self.find(name):
            if pod.id != pod_id and pod.status != "TERMINATED":
                ended += self._delete(pod.id)
        return ended

    def check(self) -> None:
        """Raise EnvironmentUnavailableError when the key is refused or the service does not answer."""
        self.find("vlmbench-is-the-key-good")

    def _delete(self, pod_id: str) -> int:
        try:
            self._send("DELETE", f"/pods/{quote(pod_id, safe='')}")
        except ApiFailure as failure:
            if failure.status != 404:
                raise self._explained(failure) from failure
            return 0
        return 1

    def _look_up(self, name: str) -> Pod | None:
        """The pod that a lost answer was about; asked a few times, because lists lag behind."""
        for attempt in range(3):
            self._pause(attempt, None)
            if found := self.find(name):
                for extra in found[1:]:
                    self._delete(extra.id)
                return found[0]
        return None

    def _send(self, method: Literal["GET", "DELETE"], path: str) -> JsonValue:
        """Send what may be sent twice.

        Raises:
            ApiFailure: When it is refused with 404.
            EnvironmentUnavailableError: When it is refused otherwise, or was tried in vain.
        """
        attempt = 0
        while True:
            try:
                return self._once(method, path)
            except ApiFailure as failure:
                if failure.status == 404:
                    raise
                if not failure.passing or attempt == TRIES - 1:
                    raise self._explained(failure) from failure
                self._pause(attempt, failure)
                attempt += 1

    def _once(self, method: str, path: str, body: Mapping[str, JsonValue] | None = None) -> JsonValue:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        # The address was checked when the options were read: https, or http within this machine's network.
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                content = answer.read(LONGEST_ANSWER)
        except urllib.error.HTTPError as error:
            text = error.read(2000).decode("utf-8", "replace")
            raise ApiFailure(error.code, self._clean(text), _retry_after(error.headers.get("Retry-After"))) from None
        except (OSError, HTTPException) as error:
            raise ApiFailure(0, self._clean(str(error) or type(error).__name__)) from None
        try:
            return TypeAdapter(JsonValue).validate_json(content) if content.strip() else None
        except ValidationError:
            raise ApiFailure(0, "its answer is not JSON") from None

    def _clean(self, text: str) -> str:
        """The words of an error, without the key that a server may repeat."""
        try:
            said = json.loads(text)
            text = next(str(said[name]) for name in ("error", "message", "detail") if said.get(name))
        except (ValueError, AttributeError, TypeError, StopIteration):
            pass
        return " ".join(text.replace(self._key, "***").split())[:400]

    def _pause(self, attempt: int, failure: ApiFailure | None) -> None:
        asked = failure.retry_after_s if failure else None
        seconds = min(2.0**attempt / 2 if asked is None else asked, LONGEST_WAIT_S)
        if self._stop.wait(seconds):
            raise Stopped

    def _explained(
        self, failure: ApiFailure, kind: type[EnvironmentUnavailableError] = EnvironmentUnavailableError
    ) -> EnvironmentUnavailableError:
        what, fix = f"RunPod answered {failure.status}: {failure.text}", "Correct the environment's options"
        if failure.status in (401, 403):
            what = f"RunPod refused the key in {KEY} ({failure.status})"
            fix = "Set a valid key that may write pods where the run is started"
        elif failure.no_capacity:
            what = f"RunPod has no such machine now ({failure.text})"
            fix = "Name more `gpu_types`, drop `data_centers`, change `cloud`, or try again later"
        elif failure.status == 0:
            what = f"RunPod does not answer ({failure.text})"
            fix = f"Check the network and {self._url}, and see in RunPod's console whether a pod is left"
        elif failure.passing:
            fix = "Try again later, and see in RunPod's console whether a pod is left"
        return kind(what, where=self._where, fix=fix)


def _retry_after(text: str | None) -> float | None:
    """Seconds from a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError):
        return None
