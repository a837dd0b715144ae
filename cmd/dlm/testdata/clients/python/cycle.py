"""One cycle of a lock through redis-py with its default options.

After host and port there may be the files of an authority, a certificate and its key: then it
speaks TLS.
"""

import sys

import redis


def fields(reply):
    """The fields of a reply: a map already, or a flat list of names and values."""
    if isinstance(reply, dict):
        return reply
    return dict(zip(reply[::2], reply[1::2]))


def refused(code, client, *command):
    try:
        reply = client.execute_command(*command)
    except redis.ResponseError as error:
        assert str(error).startswith(code), error
        return
    raise AssertionError(f"{command}: got {reply}, want {code}")


secure = {}
if len(sys.argv) > 3:
    names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
    secure = dict(zip(names, sys.argv[3:]), ssl=True, ssl_check_hostname=True)
client = redis.Redis(host=sys.argv[1], port=int(sys.argv[2]), **secure)
lock, service, other = "a lock, by python", "svc-a", "svc-b"

assert client.ping() is True
granted = fields(client.execute_command("ACQUIRE", lock, service, 1000))
assert isinstance(granted[b"token"], int) and 0 < granted[b"token"] < 2**53 and granted[b"count"] == 1, granted
refused("TIMEOUT", client, "ACQUIRE", lock, other, 0)
beat = fields(client.execute_command("HEARTBEAT", lock, service, "TOKEN", granted[b"token"]))
assert beat[b"token"] == granted[b"token"], beat
status = fields(client.execute_command("STATUS", lock))
assert status[b"state"] == b"held" and status[b"owner"] == service.encode(), status
released = fields(client.execute_command("RELEASE", lock, service))
assert released[b"count"] == 0, released
refused("NOTHELD", client, "RELEASE", lock, service)
assert isinstance(client.info(), dict)
# Spring Boot's health check reads this field.
assert client.info("server")["redis_version"]
assert client.ping() is True

pipe = client.pipeline(transaction=False)
for n in range(100):
    pipe.execute_command("ACQUIRE", f"pipelined {n}", service, 0)
assert all(fields(reply)[b"count"] == 1 for reply in pipe.execute())

# A pipeline is a transaction by default. It is refused, and nothing of it is executed.
pipe = client.pipeline()
pipe.execute_command("ACQUIRE", "in a transaction", service, 0)
try:
    raise AssertionError(pipe.execute())
except redis.ResponseError as error:
    assert "MULTI is not supported" in str(error), error
assert fields(client.execute_command("STATUS", "in a transaction")) == {b"state": b"free"}

print("lock cycle done")
