# Runs one script for RunPythonScriptNode. It reads {code, variables, limit} as
# JSON from stdin and answers with one line of JSON on what was stdout at the
# start. Children of the script that print go to stderr, so that they cannot
# break the answer.
import io, json, os, sys, traceback

answer = os.fdopen(os.dup(1), "w", encoding="ascii")
os.dup2(2, 1)
request = json.loads(sys.stdin.buffer.read().decode("utf-8"))


class Bounded(io.TextIOBase):
    def __init__(self, limit):
        self.parts, self.room, self.lost = [], limit, False

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        kept = text[: self.room]
        self.parts.append(kept)
        self.room -= len(kept)
        self.lost = self.lost or len(kept) < len(text)
        return len(text)


def plain(v, depth=0):
    if v is None or isinstance(v, (bool, int, float, str)):
        return v
    if depth > 60:
        return str(v)
    if isinstance(v, dict):
        return {k if isinstance(k, str) else str(k): plain(x, depth + 1) for k, x in v.items()}
    if isinstance(v, (list, tuple, set, frozenset, range)):
        return [plain(x, depth + 1) for x in v]
    return str(v)


out = Bounded(request["limit"])
error = None
scope = dict(request["variables"])
scope["__name__"] = "__main__"
sys.stdout, sys.stdin = out, io.StringIO("")
try:
    exec(compile(request["code"], "<script>", "exec"), scope)
except SystemExit as e:
    if e.code not in (None, 0):
        error = "SystemExit: " + str(e.code)
except BaseException as e:
    error = type(e).__name__ + (": " + str(e) if str(e) else "")
    lines = [f.lineno for f in traceback.extract_tb(e.__traceback__) if f.filename == "<script>"]
    if lines:
        error += " (line %d)" % lines[-1]
result = None
try:
    result = json.dumps(plain(scope.get("result")))
    if len(result) > 4 * request["limit"]:
        raise ValueError("the result is too large")
except BaseException as e:
    result = None
    error = error or type(e).__name__ + ": " + str(e)
answer.write(json.dumps({"result": result, "output": "".join(out.parts), "lost": out.lost, "error": error}) + "\n")
answer.flush()
# Threads that the script left running must not keep the node.
os._exit(0)
