import Foundation
import Testing

/// Merges of tensors, and executors that are given tensors, through the whole program and against
/// numpy.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.hasNumpy,
        "python3 has no numpy: NOTHING WAS RUN"),
    .timeLimit(.minutes(5)))
struct TensorMergeRunTests {
    /// What is merged, and what numpy makes of the same shards `s` of three rows each.
    private static let merges = [
        (
            "tensor-sum",
            "np.array([[math.fsum(x[i, j] for x in s) for j in range(2)] for i in range(3)])"
        ),
        (
            "tensor-mean",
            """
            np.array([[float(sum(3 * Fraction(x[i, j].item()) for x in s)) / 21
                for j in range(2)] for i in range(3)])
            """
        ),
        ("tensor-concat", "np.concatenate(s)"),
        ("{ tensor-concat: { axis: 1 } }", "np.concatenate(s, axis=1)"),
    ]

    private static let kinds = ["f4", "f8", "i4", "i8"]

    private func python(_ script: String, in folder: URL) async throws {
        let finished = try await Child(["python3", "-c", script], in: folder).finish(within: 60)
        try #require(finished.code == 0, "\(finished.errors)")
    }

    /// Writes 21 rows of two numbers of this kind; the floats differ by many orders of magnitude.
    private func folder(_ kind: String) async throws -> URL {
        let folder = try Fanfold.temporaryFolder()
        try await python(
            """
            import numpy as np
            r = np.random.default_rng(5)
            a = r.standard_normal((21, 2)) * 10.0 ** r.integers(0, 7, (21, 2))
            np.save("rows.npy", a.astype("\(kind)"))
            """, in: folder)
        return folder
    }

    @Test(arguments: merges.indices, kinds)
    func `a merge of tensors gives what numpy gives`(_ index: Int, _ kind: String) async throws {
        let (merge, expected) = Self.merges[index]
        let folder = try await folder(kind)
        defer { try? FileManager.default.removeItem(at: folder) }
        try """
        fanfold: 1
        inputs: { rows: { file: rows.npy } }
        tasks:
          merge:
            input: ${inputs.rows}
            strategy: { use: data-parallel, with: { shards: 7, merge: \(merge) } }
            run: { command: [cat], stdin: npy, stdout: npy }
        outputs: { all: { from: "${tasks.merge.output}", file: merged.npy } }
        """.write(
            to: folder.appendingPathComponent("p.yaml"), atomically: true, encoding: .utf8)
        let finished = try await Fanfold.run(["run", folder.path + "/p.yaml"])
        try #require(finished.code == 0, "\(finished.errors)")
        try await python(
            """
            import math, numpy as np
            from fractions import Fraction
            s = np.split(np.load("rows.npy"), 7)
            found, wanted = np.load("merged.npy"), (\(expected))
            kind = "f8" if "\(merge)" == "tensor-mean" and "\(kind)"[0] == "i" else "\(kind)"
            assert found.dtype == np.dtype(kind), found.dtype
            assert np.array_equal(found, wanted.astype(kind)), (found, wanted)
            """, in: folder)
    }

    /// Says what each part is: a tensor with its sum, a table with its last number, or bytes.
    private static let executor = #"""
        #include "fanfold_plugin.h"
        #include "fanfold_data.h"
        #include <stdio.h>
        #include <stdlib.h>
        struct fan_instance { const fan_host *host; };
        static const fan_view none = {0, 0};
        static void drop(fan_blob *blob) { free((void *)blob->data); blob->release = NULL; }
        static void load(fan_instance *i, const fan_call *call, uint64_t module, fan_view spec,
                         const fan_blob *parts, uint32_t n) {
           i->host->complete(i->host, call->op, NULL, none, NULL, 0);
        }
        static void run(fan_instance *i, const fan_call *call, uint64_t module,
                        const fan_subtask *subtask) {
           char *said = malloc(1000);
           int at = snprintf(said, 1000, "%.*s", (int)subtask->spec.size,
                             (const char *)subtask->spec.data);
           for (uint32_t n = 0; n < subtask->part_count; n++) {
              const fan_blob *part = &subtask->parts[n];
              if (part->kind == FAN_BLOB_TENSOR) {
                 const DLTensor *t = &((const DLManagedTensorVersioned *)part->data)->dl_tensor;
                 int64_t count = 1;
                 double sum = 0;
                 for (int axis = 0; axis < t->ndim; axis++) count *= t->shape[axis];
                 for (int64_t k = 0; k < count; k++) sum += ((const double *)t->data)[k];
                 at += snprintf(said + at, 1000 - at, " tensor of %d axes %.1f", t->ndim, sum);
              } else {
                 at += snprintf(said + at, 1000 - at, " bytes");
              }
           }
           at += snprintf(said + at, 1000 - at, "\n");
           fan_blob part; memset(&part, 0, sizeof part);
           part.kind = FAN_BLOB_BYTES; part.data = said; part.size = at; part.release = drop;
           i->host->complete(i->host, call->op, NULL, none, &part, 1);
        }
        static void unload(fan_instance *i, uint64_t module) {}
        static const fan_executor executor = {sizeof executor, 0, load, run, unload};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) {
           *out = calloc(1, sizeof **out);
           (*out)->host = h;
           return FAN_OK;
        }
        static const void *query(fan_instance *i, const char *id) {
           return strcmp(id, "fanfold.executor/1") ? NULL : &executor;
        }
        static void destroy(fan_instance *i) { free(i); }
        static const fan_component shapes = {sizeof shapes, FAN_KIND_EXECUTOR, 0, 0, "test.shapes",
           "1.0.0", "Sees tensors.", NULL, "MIT", NULL,
           "{\"type\":\"object\",\"x-fanfold-inputs\":[\"tensor\",\"later\"]}", NULL};
        static const fan_component plain = {sizeof plain, FAN_KIND_EXECUTOR, 0, 0, "test.plain",
           "1.0.0", "Sees bytes.", NULL, "MIT", NULL, "{\"type\":\"object\"}", NULL};
        static const fan_component *const components[] = {&shapes, &plain, NULL};
        static const fan_plugin plugin = {sizeof plugin, 0, components, create, query, destroy};
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
        """#

    @Test(
        .enabled(if: Fanfold.has("cc"), "cc is missing"),
        arguments: ["process", "none"])
    func `an executor that asks for tensors is given them, and another one bytes`(
        _ isolation: String
    ) async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(Self.executor.utf8).write(to: folder.appendingPathComponent("shapes.c"))
        _ = try await shell(
            "cc -std=gnu11 -w -fPIC -shared -fvisibility=hidden -I Sources/PluginABI/C/include "
                + "'\(folder.path)/shapes.c' -o '\(folder.path)/libfanfold-shapes.so'")
        try await python(
            "import numpy as np; np.save('rows.npy', np.arange(12.0).reshape(6, 2))", in: folder)
        for (executor, found) in [("shapes", "tensor of 2 axes"), ("plain", "bytes")] {
            try """
            fanfold: 1
            plugins: { tensors: { path: libfanfold-shapes.so, isolate: \(isolation) } }
            inputs: { rows: { file: rows.npy } }
            tasks:
              look:
                input: ${inputs.rows}
                strategy: { use: data-parallel, with: { shards: 2 } }
                run: { use: test.\(executor), stdout: lines }
            """.write(
                to: folder.appendingPathComponent("p.yaml"), atomically: true, encoding: .utf8)
            let finished = try await Fanfold.run(["run", folder.path + "/p.yaml"])
            try #require(finished.code == 0, "\(finished.errors)")
            let sums = executor == "shapes" ? [" 15.0", " 51.0"] : ["", ""]
            #expect(
                finished.text
                    == sums.map { "{\"format\":\"npy\"} \(found)\($0)\n" }.joined())
        }
    }
}
