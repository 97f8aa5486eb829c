"""A proxy that loses answers: what stands before a back end when its connection breaks.

usage: cut.py FOLDER TARGET     TARGET is unix:PATH or HOST:PORT

Listens on FOLDER/cut.sock for a socket, or else on a port of 127.0.0.1 that FOLDER/port holds, and
then writes FOLDER/ready.  Bytes go through as they are.  As long as there is a file FOLDER/cut with
the beginning of a request ("POST /containers/create"), the next request that begins so reaches the
back end, its answer is thrown away, the connection ends, and the file is removed.
"""

import os
import socket
import sys
import threading

folder, target = sys.argv[1:3]
order = os.path.join(folder, "cut")
lock = threading.Lock()


def connect():
    if target.startswith("unix:"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(target.removeprefix("unix:"))
        return server
    host, port = target.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def is_wanted(data):
    """Whether this is the request whose answer is to be lost; it is asked for once."""
    with lock:
        try:
            with open(order) as file:
                wanted = file.read().strip()
        except FileNotFoundError:
            return False
        if not wanted or not data.startswith(wanted.encode()):
            return False
        os.remove(order)
        return True


def end(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client):
    try:
        server = connect()
    except OSError:
        return client.close()
    lost = threading.Event()

    def answers():
        while True:
            try:
                data = server.recv(65536)
            except OSError:
                break
            if not data or lost.is_set():
                break
            client.sendall(data)
        end(client, server)

    thread = threading.Thread(target=answers, daemon=True)
    thread.start()
    try:
        while data := client.recv(65536):
            if is_wanted(data):
                lost.set()
            server.sendall(data)
    except OSError:
        pass
    if not lost.is_set():
        end(client, server)
    thread.join()
    client.close()
    server.close()


def main():
    if target.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(folder, "cut.sock"))
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        with open(os.path.join(folder, "port"), "w") as file:
            file.write(str(listener.getsockname()[1]))
    listener.listen(64)
    with open(os.path.join(folder, "ready"), "w"):
        pass
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
