import GRDB
@preconcurrency import Glibc

/// Why the journal did not do what it was asked to.
///
/// The message says what was wanted, what was found, and what to do.
package struct JournalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of obstacle it is, for code that acts on it.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// There is no journal in the folder.
        case missing
        /// The folder or a file of it may not be written, or is not what it should be.
        case notWritable
        /// The file system is mounted read-only.
        case readOnly
        /// The disk has no room; nothing of the batch is there, and the next one may succeed.
        case diskFull
        /// The file is not a database, or not one of ours.
        case notADatabase
        /// A later version of Fanfold wrote it.
        case newerFormat
        /// Another coordinator has it open.
        case locked
        /// Others than its owner could read or change it.
        case exposed
        /// What was stored is not what is there, and cutting the end off would not mend it.
        case damaged
        /// A system call failed; nothing of the batch is there.
        case inputOutput
        /// The disk did not confirm a write: whether the batch is there is known after a restart.
        case uncertain
        /// A record, or a row of a table, is longer than its limit.
        case tooLarge
        /// Whoever was given the records could not take them, or what was to be stored contradicts
        /// what is.
        case refused
    }

    /// The kind.
    package let code: Code
    /// What was wanted, what was found, what to do.
    package let message: String

    /// An error of a kind, with a message for people.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

extension JournalError {
    /// What SQLite said about `path` while something was being done to it.
    init(_ error: DatabaseError, path: String, doing: String) {
        let said =
            "\(path) could not be \(doing): \(error.message ?? "no reason was given") "
            + "(SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(
                .diskFull, "\(said); make room on its disk: nothing was stored by halves")
        case .SQLITE_READONLY:
            self.init(
                .readOnly, "\(said); mount its file system for writing, or choose another folder")
        case .SQLITE_NOTADB:
            self.init(
                .notADatabase,
                "\(said); wanted a database of Fanfold. Put back the file that belongs there, or "
                    + "run `fanfold journal repair`, which goes on from the newest snapshot")
        // Our own statements are right: one that fails finds other tables than we made.
        case .SQLITE_CORRUPT, .SQLITE_ERROR, .SQLITE_SCHEMA:
            self.init(.damaged, "\(said); \(JournalError.wayOut)")
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(.notWritable, "\(said); let its owner run this, or choose another folder")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.locked, "\(said); end the other program that has it open")
        case .SQLITE_CONSTRAINT:
            self.init(
                .refused, "\(said); wanted what no other entry has, found it taken: make another")
        case .SQLITE_TOOBIG:
            self.init(.tooLarge, "\(said); store less at a time")
        case .SQLITE_IOERR where error.extendedResultCode != .SQLITE_IOERR_WRITE:
            self.init(
                .uncertain,
                "\(said); look at the kernel's log for its disk, then start the coordinator again")
        default:
            self.init(
                .inputOutput,
                "\(said); look for a quota, a limit of file sizes, or errors of its disk")
        }
    }

    /// What can be done about damage.
    static let wayOut =
        "`fanfold journal export --to-first-damage` shows what is whole, `fanfold journal repair` "
        + "goes on from there and keeps the damaged files, or put back a copy of the folder"

    /// What the system said about `path` while something was being done to it.
    init(errno number: Int32, path: String, doing: String) {
        let said = "\(path) could not be \(doing): \(String(cString: strerror(number)))"
        switch number {
        case EROFS:
            self.init(
                .readOnly, "\(said); mount its file system for writing, or choose another folder")
        case EACCES, EPERM, ENOTDIR, EISDIR, ELOOP:
            self.init(
                .notWritable,
                "\(said); wanted a folder that user \(geteuid()) may write, choose another or "
                    + "change its owner")
        case ENOSPC, EDQUOT, EFBIG:
            self.init(.diskFull, "\(said); make room on its disk")
        case ENOENT:
            self.init(.missing, "\(said); name a folder in which a coordinator keeps its state")
        default:
            self.init(.inputOutput, "\(said); look for errors of its disk in the kernel's log")
        }
    }
}

/// Runs what SQLite does to `path`, with its errors in our words.
func storing<Value>(
    _ path: String, _ doing: String, _ body: () throws -> Value
) throws(JournalError) -> Value {
    do {
        return try body()
    } catch let error as JournalError {
        throw error
    } catch let error as DatabaseError {
        throw JournalError(error, path: path, doing: doing)
    } catch {
        throw JournalError(
            .inputOutput, "\(path) could not be \(doing): \(error); report this as a defect")
    }
}
