# Runs the Azure CLI's own program many times, each in a process of its own, and reads its modules once: that takes most of a command's time.
#   python forked.py serve SOCKET           says that it listens; until standard input ends
#   python -IS forked.py call SOCKET ARG…   as `az ARG…` with the caller's environment, directory and standard streams
import array
import os
import socket
import struct
import sys


def call(path, arguments):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        environment = [b"%s=%s" % pair for pair in os.environb.items()]
        parts = [os.getcwdb(), b"%d" % len(arguments), *map(os.fsencode, arguments), *environment]
        streams = array.array("i", [0, 1, 2])
        connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
        connection.sendall(b"\0".join(parts))
        connection.shutdown(socket.SHUT_WR)
        code = connection.recv(1)
    return code[0] if code else 1


def everything(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def program(arguments):
    """As Python ends a program. @returns its exit code"""
    import runpy
    import traceback

    sys.argv = ["az", *arguments]
    try:
        runpy.run_module("azure.cli", run_name="__main__", alter_sys=True)
        return 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 255
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1


def answer(connection, modules):
    import atexit

    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(3 * 4))
    streams = struct.unpack("3i", ancillary[0][2])
    directory, count, *rest = everything(connection).split(b"\0")
    arguments, environment = rest[: int(count)], rest[int(count) :]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(directory)
    os.environb.clear()
    os.environb.update(one.split(b"=", 1) for one in environment)
    before = set(sys.modules)
    code = program([os.fsdecode(one) for one in arguments])
    os.write(modules, "\n".join(set(sys.modules) - before).encode())
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code]))


def serve(path):
    import gc
    import importlib
    import select

    gc.disable()  # it takes a quarter of the time that the CLI needs to read its modules
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    print("listens", flush=True)
    learnt = {}
    while True:
        ready, _, _ = select.select([0, listener, *learnt], [], [])
        if 0 in ready:
            return
        for pipe in set(ready) & set(learnt):
            text = b""
            while part := os.read(pipe, 65536):
                text += part
            os.close(pipe)
            os.waitpid(learnt.pop(pipe), 0)
            # What a command read, the next ones find read.
            for name in sorted(text.decode().split()):
                try:
                    importlib.import_module(name)
                except Exception:
                    pass  # made by other modules, for themselves
        if listener in ready:
            connection, _ = listener.accept()
            pipe, modules = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    answer(connection, modules)
                finally:
                    os._exit(0)
            learnt[pipe] = child
            os.close(modules)
            connection.close()


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    sys.exit(call(sys.argv[2], sys.argv[3:]))
