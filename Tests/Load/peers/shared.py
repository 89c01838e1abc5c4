"""What CPython's multiprocessing does in a second of what `SharedExamples measure` measures, line by line."""

import multiprocessing
import time

COUNT = 20_000


def measure(what, count, body):
    start = time.perf_counter()
    body()
    print(int(count / (time.perf_counter() - start)), what, "a second", flush=True)


def echo_pipe(end):
    # Not until the end of the pipe: the forked child has both ends, so it would never come.
    while (number := end.recv()) is not None:
        end.send(number)


def fill_pipe(end, count):
    for number in range(count):
        end.send(number)


def echo_queue(given, back):
    while (number := given.get()) is not None:
        back.put(number)


def fill_queue(queue, count):
    for number in range(count):
        queue.put(number)


def increment(counter, count):
    for _ in range(count):
        with counter.get_lock():
            counter.value += 1


def nothing():
    pass


def started(target, *arguments):
    process = multiprocessing.Process(target=target, args=arguments)
    process.start()
    return process


def pipes():
    here, there = multiprocessing.Pipe()
    child = started(echo_pipe, there)

    def round_trips():
        for number in range(COUNT):
            here.send(number)
            here.recv()

    measure("round trips through a pipe", COUNT, round_trips)
    here.send(None)
    child.join()

    receiver, sender = multiprocessing.Pipe(False)
    child = started(fill_pipe, sender, COUNT * 10)
    measure("messages through a pipe", COUNT * 10, lambda: [receiver.recv() for _ in range(COUNT * 10)])
    child.join()


def queues():
    given, back = multiprocessing.Queue(100), multiprocessing.Queue(100)
    child = started(echo_queue, given, back)

    def round_trips():
        for number in range(COUNT):
            given.put(number)
            back.get()

    measure("round trips through two queues", COUNT, round_trips)
    given.put(None)
    child.join()

    for capacity in (10, 1000):
        queue = multiprocessing.Queue(capacity)
        child = started(fill_queue, queue, COUNT * 5)
        measure(f"items through a queue of {capacity}", COUNT * 5, lambda: [queue.get() for _ in range(COUNT * 5)])
        child.join()


def memory():
    counter = multiprocessing.Value("q", 0)

    def both():
        for child in [started(increment, counter, COUNT * 5) for _ in range(2)]:
            child.join()

    measure("increments by two processes", COUNT * 10, both)


def processes():
    def start_and_join():
        for _ in range(200):
            started(nothing).join()

    measure("child processes, started and joined", 200, start_and_join)


def dictionaries():
    with multiprocessing.Manager() as manager:
        stock = manager.dict()

        def sets():
            for number in range(COUNT):
                stock["a"] = number

        measure("sets of a dictionary", COUNT, sets)


if __name__ == "__main__":
    for part in (pipes, queues, memory, processes, dictionaries):
        part()
