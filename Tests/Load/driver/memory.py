"""What a server's processes weigh, read from /proc."""

import pathlib
import resource
import socket

from client import UnexpectedReply

# Under the master, each generation is one role: master, acceptors, their fork servers, their workers.
ROLES = ("master", "acceptor", "fork server", "worker")


def _children(pid: int) -> list[int]:
    # proc(5): each thread lists the children that it made.
    lists = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for children in lists for child in children.read_text().split()]


def pss_kilobytes(pid: int) -> int:
    """The proportional set size: pages shared by n processes count one n-th in each (proc(5), smaps_rollup)."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise OSError(f"no Pss in /proc/{pid}/smaps_rollup")


def pss_by_role(master: int) -> dict[str, list[int]]:
    """Kilobytes of each process of the tree, by its role."""
    weights = {}
    generation = [master]
    for role in ROLES:
        weights[role] = [pss_kilobytes(pid) for pid in generation]
        generation = [child for pid in generation for child in _children(pid)]
    return weights


def total_kilobytes(master: int) -> int:
    return sum(sum(weights) for weights in pss_by_role(master).values())


def raise_descriptor_limit() -> int:
    """As many open files as the system lets this process, and the servers that it starts, have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def kilobytes_per_idle_connection(master: int, port: int, count: int) -> float:
    """How much the tree grows for each of `count` kept-alive connections that have made a request and wait."""
    before = total_kilobytes(master)
    connections = []
    try:
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connections.append(connection)
            _get_livez(connection)
        after = total_kilobytes(master)
        # A server that quietly closed some of them would look light.
        for connection in connections:
            _get_livez(connection)
    except OSError as error:
        raise UnexpectedReply(f"connection {len(connections)} of {count} idle ones: {error!r}") from error
    finally:
        for connection in connections:
            connection.close()
    return (after - before) / count


def _get_livez(connection: socket.socket):
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    reply = connection.recv(65536)
    if not reply.startswith(b"HTTP/1.1 200"):
        raise UnexpectedReply(f"/livez on one of many connections: {reply[:100]!r}")
