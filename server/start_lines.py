"""What the start says of how many calls there can be."""

from server.admission.load import OFF
from server.config import Config
from server.runtime.web_server import Gunicorn, threads_for_calls


def limits_of_calls(config: Config, threads: int) -> list[str]:
    """What limits the calls at once, a line each, whether it is a number or not. ``threads``: a worker's."""
    measured = config.load_threshold < OFF
    if config.most_calls:
        number = f"MAX_CALLS={config.most_calls} on this host"
        load = f", and each worker's load below {config.load_threshold:g}"
        return [number + load if measured else number]
    no_number = "no MAX_CALLS" if config.max_calls is None else "MAX_CALLS=0"
    found = []
    if config.worker_class == "gthread":
        most = threads_for_calls(Gunicorn("gthread", threads))
        found += [
            f"{no_number}, and a call holds one of a worker's {threads} threads: it takes {most} at once"
        ]
    if measured:
        found += [
            f"{no_number}: new calls come while each worker's load stays below {config.load_threshold:g}"
        ]
        if config.redis_url.get_secret_value():
            found += ["REDIS_URL without MAX_CALLS: hosts limit calls by their own load alone"]
    return found or [f"none ({no_number}, LOAD_THRESHOLD=1)"]


def too_many_workers(config: Config, cores: float) -> list[str]:
    """Workers that share a core stutter in each other's calls. ``cores``: those that this host may use."""
    if config.web_concurrency <= max(1.0, cores):
        return []
    return [f"{config.web_concurrency} on {cores:g} core(s): a worker a core is right"]
