"""The suite on Ray Serve: `kogpt serve --ray`, or `serve run kogpt_funcs.hosting.ray_serve:app generators=2`.

Three deployments, each scaled by itself: the API (REST, MCP and the stories; it loads no model), the generators, the
classifiers. ray.yaml is a config file to start from.
"""

from __future__ import annotations

import signal
import threading
from typing import Any

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.hosting import scale
from kogpt_funcs.hosting.replicas import Classifier, Generator, Replicas
from kogpt_funcs.surfaces import readiness

NAME = "kogpt"
_LIVES = {"health_check_period_s": 5, "health_check_timeout_s": 30, "graceful_shutdown_timeout_s": 60}
_SECONDS = 600  # that a request may take


def app(arguments: dict[str, Any]) -> Any:
    """The application; `arguments` are the fields of hosting.scale.Scale."""
    from ray import serve

    wanted, queue = scale.read(arguments), settings.current().queue
    generators = serve.deployment(
        Generator,
        name="Generator",
        ray_actor_options={"num_cpus": wanted.generator_cores, "num_gpus": wanted.generator_gpus},
        max_ongoing_requests=queue,
        **scale.replicas(wanted.generators, wanted.most_generators, wanted.busy),
        **_LIVES,
    )
    classifiers = serve.deployment(
        Classifier,
        name="Classifier",
        ray_actor_options={"num_cpus": wanted.classifier_cores},
        max_ongoing_requests=queue,
        **scale.replicas(wanted.classifiers, wanted.most_classifiers, wanted.busy),
        **_LIVES,
    )
    api = serve.deployment(
        serve.ingress(_api)(),
        name="Api",
        ray_actor_options={"num_cpus": wanted.api_cores},
        max_ongoing_requests=2 * queue,  # health and the schema are answered while models are busy
        **scale.replicas(wanted.apis, wanted.most_apis, wanted.busy),
        **_LIVES,
    )
    return api.bind(generators.bind(), classifiers.bind())


def _api() -> Any:
    """The ASGI app of a replica of the API, whose model layer is the other deployments."""
    from ray import serve
    from starlette.applications import Starlette

    from kogpt_funcs.surfaces import routes
    from kogpt_funcs.surfaces.public import wrapping

    wrapping.check()
    here = serve.get_replica_context().app_name
    models.run_by(Replicas(*(serve.get_deployment_handle(name, app_name=here) for name in ("Generator", "Classifier"))))
    readiness.loading.set()
    threading.Thread(target=_ready, name="kogpt-ready", daemon=True).start()
    return Starlette(routes=routes.routes("0.0.0.0"), lifespan=routes.lifespan)


def _ready() -> None:
    """Health says that it is loading until a generator has answered."""
    list(models.generate(models.Generation(prompt=["안녕"], max_new_tokens=2)))
    readiness.loading.clear()


def launch(wanted: dict[str, Any], host: str | None, port: int | None) -> None:
    """Serves on a Ray of its own, or on the one that RAY_ADDRESS names, until Ctrl-C or SIGTERM."""
    try:
        import ray
        from ray import serve
    except ImportError:
        raise KogptError("Ray Serve is not installed. Install it: pip install -r requirements-ray.txt") from None
    settings.current()  # a wrong setting is told before anything starts
    scale.read(wanted)
    over = threading.Event()
    ray.init(include_dashboard=False, log_to_driver=False)
    where = {"host": host or "127.0.0.1", "port": 7860 if port is None else port, "request_timeout_s": _SECONDS}
    serve.start(http_options=where)
    serve.run(app(wanted), name=NAME)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    print(f"http://{where['host']}:{where['port']}/api/docs", flush=True)
    over.wait()
    serve.shutdown()
    ray.shutdown()
