"""``python -m server.simulator``: one call, or many with ``--calls``."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from server.providers.base import ProviderError
from server.runtime.private_files import OTHERS
from server.settings.url_secrets import without_user_info
from server.simulator.call import CallPlan, PhoneCall
from server.simulator.cli import DEFAULT_URL, DEMO, StepOption, build_parser
from server.simulator.load import load_as_json, load_as_text, run_load
from server.simulator.pump import StreamPump
from server.simulator.report import CallReport, as_json, as_text, make_report
from server.simulator.script import Keys, Manners, Say, Step, Wait
from server.simulator.serverlog import LogFollower
from server.simulator.sounds import Clip, line_noise, read_wav, synthetic_speech, write_stereo_wav
from server.simulator.webhooks import Endpoint, public_url_of_the_server

SYNTHETIC_S_PER_CHARACTER = 0.08


def main(argv: list[str] | None = None) -> int:
    """Runs the command. Exit status: 0 the call succeeded, 1 it failed, 2 wrong usage, 130 interrupted."""
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _main(argv: list[str]) -> int:
    parser = build_parser(demo=DEMO in argv[:1])
    options = parser.parse_args(argv)
    try:
        plan = make_plan(options)
        pids = options.pid or (_read_pids(options.pid_file) if options.pid_file else [])
        _check(options)
    except (ValueError, OSError) as error:
        parser.error(without_user_info(str(error)))
    if options.check_only:
        return 0
    if options.calls > 1:
        return _load(options, plan, pids)
    if options.demo:
        options.record = options.record or options.demo / "demo_call.wav"
        options.server_log = options.server_log or options.demo / "demo_server.log"
    report = place_call(plan, options.expect_turns, options.server_log)
    print(without_user_info(as_text(report)))
    if options.record:
        write_stereo_wav(options.record, *report.record.recording())
        print(f"The call is in {options.record}: the caller left, the agent right.")
    _write_json(options.json, as_json(report))
    return 0 if report.ok else 1


def _check(options: argparse.Namespace) -> None:
    if options.calls < 1:
        raise ValueError("--calls must be 1 or more")
    if options.calls > 1 and (options.record or options.server_log):
        raise ValueError("--record and --server-log are for one call")
    if not options.url.startswith(("http://", "https://")):
        raise ValueError(f"--url {options.url!r} is not http:// or https://")
    if options.demo and options.check_only and options.url != DEFAULT_URL:
        raise ValueError("--url: the demonstration calls the server that it starts itself")
    for path in filter(None, (options.record, options.json)):
        if path.is_dir() or not path.parent.is_dir():
            raise ValueError(f"{path} cannot be written: it is a folder, or there is none to hold it")


def place_call(plan: CallPlan, expect_turns: int | None = None, server_log: Path | None = None) -> CallReport:
    """Places one call and returns its report. Blocks until the call is over."""
    pump = StreamPump()
    log = LogFollower(server_log) if server_log else None
    record = PhoneCall(plan, pump).run()
    pump.close()
    return make_report(record, expect_turns, log.stop() if log else None)


def make_plan(options: argparse.Namespace) -> CallPlan:
    """The plan that the command line describes. Raises ValueError or OSError for what cannot be done."""
    speaker = _speaker(options)
    return CallPlan(
        endpoint=Endpoint(options.url, options.public_url or public_url_of_the_server() or options.url),
        steps=[_make_step(step, speaker) for step in options.steps.resolved()],
        manners=Manners(
            reply_after_s=options.reply_after_ms / 1000,
            patience_s=options.patience,
            hint_s=options.hint_s,
            hang_up_after_s=options.hangup_after,
            speak_first=options.speak_first,
        ),
        bursts=options.noise_burst,
        noise=line_noise(*options.noise) if options.noise else (),
        delay_ms=options.delay_ms,
        jitter_ms=options.jitter_ms,
        max_s=options.max_seconds,
        caller=options.caller,
        called=options.called,
        incoming_path=options.incoming_path,
    )


def _speaker(options: argparse.Namespace) -> Callable[[str], Clip]:
    """A function from text to clip, which synthesizes each text once for all calls."""
    if options.synthetic:
        return lru_cache(
            lambda text: Clip.from_pcm16(synthetic_speech(len(text) * SYNTHETIC_S_PER_CHARACTER))
        )
    chosen: dict[str, Any] = {"variant": options.voice}
    chosen |= {name: value for name in ("rate", "pitch") if (value := getattr(options, name)) is not None}

    def speak(text: str) -> Clip:
        # Imported late: the voice needs time and memory, and a call from WAV files does not need it.
        from server.providers.embedded.tts.synthesizer import speak_pcm16_8k

        try:
            return Clip.from_pcm16(speak_pcm16_8k(text, **chosen))
        except ProviderError as error:
            raise ValueError(f"the caller has no voice: {error}") from error

    return lru_cache(speak)


def _make_step(step: StepOption, speaker: Callable[[str], Clip]) -> Step:
    match step.kind:
        case "dtmf":
            return Keys(step.value)
        case "wait":
            return Wait(float(step.value))
        case "wav":
            return Say(
                Path(step.value).name, Clip.from_pcm16(read_wav(Path(step.value))), step.interrupt_after_s
            )
    return Say(step.value, speaker(step.value), step.interrupt_after_s)


def _read_pids(path: Path) -> list[int]:
    return [int(pid) for pid in path.read_text(encoding="ascii").split()]


def _load(options: argparse.Namespace, plan: CallPlan, pids: list[int]) -> int:
    try:
        load = run_load(plan, options.calls, options.ramp_s, pids, options.expect_turns)
    except psutil.NoSuchProcess as error:
        print(error, file=sys.stderr)
        return 2
    print(without_user_info(load_as_text(load)))
    _write_json(options.json, load_as_json(load))
    return 1 if load.failed else 0


def _write_json(path: Path | None, plain: dict[str, Any]) -> None:
    if path:
        text = without_user_info(json.dumps(plain, ensure_ascii=False, indent=2))
        path.write_text(f"{text}\n", encoding="utf-8")
        print(f"The report is in {path}.")


if __name__ == "__main__":
    os.umask(OTHERS)  # a recording is readable by its owner only
    sys.exit(main())
