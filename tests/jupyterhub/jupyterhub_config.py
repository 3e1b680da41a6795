"""A hub for tests: its API at its own port, no proxy before it, no servers of users (tests/src/jupyterhub.rs)."""

import os

from jupyterhub.auth import Authenticator
from jupyterhub.proxy import Proxy


class NoProxy(Proxy):
    should_start = False

    async def add_route(self, routespec, target, data):
        pass

    async def delete_route(self, routespec):
        pass

    async def get_all_routes(self):
        return {}


class AnyName(Authenticator):
    """Takes names as they are. Nobody logs in by a form."""

    def normalize_username(self, username):
        return username

    def validate_username(self, username):
        return bool(username)

    async def authenticate(self, handler, data):
        return None


c = get_config()  # noqa: F821
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = AnyName
c.Authenticator.allow_all = True
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = int(os.environ["HUB_PORT"])
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.services = [
    {"name": "vault", "api_token": os.environ["HUB_VAULT_TOKEN"]},
    {"name": "operator", "api_token": os.environ["HUB_OPERATOR_TOKEN"]},
]
c.JupyterHub.load_roles = [
    # No more than docs/rotators/http.md asks for.
    {"name": "vault", "scopes": ["read:hub", "read:users", "read:roles:users", "tokens"], "services": ["vault"]},
    {"name": "admin", "services": ["operator"]},
]
