"""How the cases are written."""


def step(method, path, body=None, **more):
    """One request. `token` "" sends none; `take` keeps parts of the answer for $names; `quiet` compares the status only."""
    return {"method": method, "path": path, "body": body, **more}


def get(path, **more):
    return step("GET", path, **more)


def lists(path, **more):
    return step("LIST", path, **more)


def post(path, body=None, **more):
    return step("POST", path, body, **more)


def put(path, body=None, **more):
    return step("PUT", path, body, **more)


def delete(path, **more):
    return step("DELETE", path, **more)


def patch(path, body=None, **more):
    more.setdefault("headers", {"Content-Type": "application/merge-patch+json"})
    return step("PATCH", path, body, **more)


def token(name, **parameters):
    """Makes a token and keeps it as $name, its accessor as $name_accessor."""
    return post("auth/token/create", parameters, take={name: "auth.client_token", f"{name}_accessor": "auth.accessor"}, quiet=True)


def policy(name, text):
    return put(f"sys/policies/acl/{name}", {"policy": text}, quiet=True)
