import FanfoldJSON

/// Files that pipelines name, by their SHA-256; an upload goes on where it stopped.
enum FileRoutes {
    static let all: [Route] = [status, write, finish]

    private static let file = Route.Parameter(
        "sha256", .path, "SHA-256 of the file, 64 lowercase hexadecimal digits.", Schemas.digest)
    private static let answer = Route.Answer(
        summary: "What the store has of the file.", schema: Schemas.named("File"))

    static let status = Route(
        .get, "/api/v1/files/{sha256}", .role(.submit), "getFile",
        "What the store has of a file: from `offset` on it wants more.",
        parameters: [file], answer: answer
    ) { call throws(ControlError) in
        let sha256 = call.text("sha256") ?? ""
        return .json(try await call.controlPlane.blob(sha256).json(of: sha256))
    }

    static let write = Route(
        .put, "/api/v1/files/{sha256}", .role(.submit), "writeFile",
        "Writes the next piece of a file. `offset` is what getFile says.",
        parameters: [
            file,
            Route.Parameter(
                "offset", .query, "Where the piece begins.",
                Schemas.integer(0, .max, standard: 0)),
        ],
        body: .bytes, answer: answer, problems: [.conflict, .insufficientStorage]
    ) { call throws(ControlError) in
        let sha256 = call.text("sha256") ?? ""
        guard case .bytes(let bytes) = call.body else {
            throw ControlError(.fault, "the body of a piece is bytes")
        }
        return .json(
            try await call.controlPlane.writeBlob(
                sha256, at: call.integer("offset") ?? 0, bytes
            ).json(of: sha256))
    }

    static let finish = Route(
        .post, "/api/v1/files/{sha256}/finish", .role(.submit), "finishFile",
        "Ends an upload: bytes that do not have the sum are dropped.",
        parameters: [file], answer: answer,
        problems: [.notFound, .checksumMismatch, .conflict, .insufficientStorage]
    ) { call throws(ControlError) in
        let sha256 = call.text("sha256") ?? ""
        return .json(try await call.controlPlane.finishBlob(sha256).json(of: sha256))
    }
}
