package io.bezoar.cli.control;

import io.bezoar.cli.copy.RefusedCopyException;
import io.bezoar.cli.copy.UnreadableSourceException;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.fs.DamagedRangeException;
import io.bezoar.fs.FilesystemDamagedException;
import io.bezoar.fs.FilesystemException;
import io.bezoar.fs.FilesystemFormatException;
import io.bezoar.fs.FilesystemFullException;
import io.bezoar.fs.FilesystemReadOnlyException;
import io.bezoar.fs.InvalidFileException;
import io.bezoar.fs.PathWalk;
import io.bezoar.guard.salvage.RescueMapException;
import io.bezoar.guard.salvage.SalvageRefusedException;
import io.bezoar.guard.sidecar.SidecarException;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaFullException;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.PersistFailedException;
import io.bezoar.pool.DrillForbiddenException;
import io.bezoar.pool.StackSyntaxException;
import io.bezoar.target.MirrorConflictException;
import io.bezoar.target.MirrorLegException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;
import tools.jackson.databind.node.ObjectNode;

/**
 * Why something was not done, for people: what happened, what to do about it, and the exit code.
 *
 * @param what one line
 * @param advice one line; empty when the first one says it already
 * @param exitCode see {@link Exit}
 */
public record Problem(String what, String advice, int exitCode) {
  private static final String NO_FILE = "there is no such file";

  /** The problem that an exception stands for. */
  public static Problem of(Exception e) {
    return switch (e) {
      case RemoteException remote -> remote.problem();
      case MediaOpenException open -> new Problem(text(open), advice(open), exitCode(open));
      case StackSyntaxException syntax ->
          new Problem(text(syntax), "see: bezoar help create", Exit.USAGE);
      case MirrorConflictException conflict ->
          new Problem(
              text(conflict),
              "say whose content is right: bezoar serve POOL --prefer DEVICE",
              Exit.UNAVAILABLE);
      case MirrorLegException leg -> new Problem(text(leg), advice(leg), Exit.REFUSED);
      case DrillForbiddenException forbidden -> new Problem(text(forbidden), "", Exit.REFUSED);
      case MediaFullException full -> new Problem(text(full), "", Exit.UNAVAILABLE);
      case PoisonedRangeException lost -> new Problem(text(lost), "", Exit.DAMAGED);
      case PersistFailedException failed ->
          new Problem(
              text(failed), "close it, open it again, then: bezoar scrub", Exit.UNAVAILABLE);
      case MediaUnavailableException gone -> new Problem(text(gone), "", Exit.UNAVAILABLE);
      case DeviceUnavailableException gone -> new Problem(text(gone), "", Exit.UNAVAILABLE);
      case FilesystemException file -> ofFilesystem(file);
      case UnreadableSourceException unreadable ->
          new Problem(
              text(unreadable),
              "bring out what can be read: bezoar salvage FILE COPY",
              Exit.DAMAGED);
      case RefusedCopyException refused -> new Problem(text(refused), "", Exit.REFUSED);
      case PathWalk.NameException name -> new Problem(text(name), "", Exit.REFUSED);
      case BadRequestException bad -> new Problem(bad.getMessage() + "", "", Exit.USAGE);
      case FileAlreadyExistsException there ->
          new Problem(there.getFile() + ": is there already", "", Exit.REFUSED);
      case DirectoryNotEmptyException full ->
          new Problem(full.getFile() + ": is not empty", "", Exit.REFUSED);
      case FileSystemLoopException loop ->
          new Problem(loop.getFile() + ": too many symbolic links", "", Exit.REFUSED);
      case NotDirectoryException none ->
          new Problem(
              none.getFile() + ": is no directory, or leads through something that is none",
              "",
              Exit.REFUSED);
      case NoSuchFileException missing ->
          new Problem(
              missing.getFile() + ": " + Objects.requireNonNullElse(missing.getReason(), NO_FILE),
              "",
              Exit.UNAVAILABLE);
      case AccessDeniedException denied ->
          new Problem(
              denied.getFile() + ": permission denied",
              "check the modes along the path",
              Exit.UNAVAILABLE);
      case FileSystemException file ->
          new Problem(text(file), "check the path and its file system", Exit.UNAVAILABLE);
      case java.io.IOException io ->
          new Problem(String.valueOf(io.getMessage()), "run it with --debug", Exit.UNAVAILABLE);
      default ->
          new Problem(
              "internal error: " + e, "run it with --debug and report what it says", Exit.INTERNAL);
    };
  }

  private static Problem ofFilesystem(FilesystemException e) {
    return switch (e) {
      case DamagedRangeException lost -> new Problem(text(lost), "", Exit.DAMAGED);
      case FilesystemDamagedException lost -> new Problem(text(lost), "", Exit.DAMAGED);
      case FilesystemFormatException format ->
          new Problem(text(format), "how the pool is: bezoar status POOL", Exit.UNAVAILABLE);
      case FilesystemFullException full -> new Problem(text(full), "", Exit.UNAVAILABLE);
      case FilesystemReadOnlyException readOnly -> new Problem(text(readOnly), "", Exit.REFUSED);
      case InvalidFileException invalid -> new Problem(text(invalid), "", Exit.REFUSED);
    };
  }

  /** As {@link #of(Exception)}, for commands on plain files: what is said of pools is left out. */
  public static Problem ofFile(Exception e) {
    return switch (e) {
      case MediaOpenException open -> new Problem(text(open), fileAdvice(open), exitCode(open));
      case SalvageRefusedException refused ->
          new Problem(text(refused), advice(refused), Exit.REFUSED);
      case SidecarException sidecar ->
          new Problem(text(sidecar), advice(sidecar), exitCode(sidecar));
      case RescueMapException notAMap -> new Problem(text(notAMap), "", Exit.UNAVAILABLE);
      case MediaFullException full ->
          new Problem(text(full), "make room, then the same command again", Exit.UNAVAILABLE);
      case PersistFailedException failed ->
          new Problem(
              text(failed), "what was saved before is kept; use another disk", Exit.UNAVAILABLE);
      case MediaFaultException bad ->
          new Problem(text(bad), "use another destination", Exit.UNAVAILABLE);
      default -> of(e);
    };
  }

  private static String fileAdvice(MediaOpenException e) {
    return e.openReason() == MediaOpenException.Reason.MISSING
        ? "check the path and that its file system is mounted"
        : "";
  }

  private static String advice(SalvageRefusedException e) {
    return switch (e.refusal()) {
      case DEVICE -> "to overwrite all that is on it: --overwrite-device";
      case UNKNOWN_CONTENT -> "a map that is not called DST.map: --map FILE";
      case SAME_FILE, ON_SOURCE, DESTINATION_CUT, OTHER_SIZE -> "see: bezoar help salvage";
    };
  }

  private static String advice(MirrorLegException e) {
    return switch (e.reason()) {
      case FOREIGN, STALE ->
          "to use it as a new one: detach it, remove the file, then device attach";
      case WRONG_SIZE -> "a larger one: --size";
      case BEHIND, LAST_COPY, BYTES_ONLY_HERE -> "how the copies are: bezoar status POOL";
      case SLOT_TAKEN, NO_SUCH_LEG -> "what the pool has: bezoar device list POOL";
    };
  }

  private static String advice(SidecarException e) {
    return switch (e.sidecarReason()) {
      case MISSING -> "bezoar protect FILE";
      case FILE_DAMAGED -> "bezoar repair FILE";
      case CHANGED -> "bezoar repair FILE --revert --to COPY";
      case NOT_WRITABLE -> "bezoar repair FILE --to COPY";
      case NOT_A_SIDECAR, NEWER_VERSION, DAMAGED, CHANGING, NOT_PROTECTABLE -> "";
    };
  }

  private static int exitCode(SidecarException e) {
    return switch (e.sidecarReason()) {
      case MISSING, NOT_A_SIDECAR, NEWER_VERSION, DAMAGED, NOT_WRITABLE -> Exit.UNAVAILABLE;
      case CHANGING, FILE_DAMAGED, NOT_PROTECTABLE -> Exit.REFUSED;
      case CHANGED -> Exit.CHANGED;
    };
  }

  private static String text(FileSystemException e) {
    String reason = e.getReason();
    return e.getFile() + ": " + (reason == null ? e.getClass().getSimpleName() : reason);
  }

  private static int exitCode(MediaOpenException e) {
    return switch (e.openReason()) {
      case EXISTS, BAD_GEOMETRY, NOT_MAPPABLE, REFUSED -> Exit.REFUSED;
      case MISSING,
          NOT_A_FILE,
          READ_ONLY,
          DENIED,
          LOCKED,
          TOO_SHORT,
          TOO_LONG,
          NOT_A_POOL,
          NEWER_VERSION,
          LABEL_DAMAGED,
          DRILL_LIST_DAMAGED,
          DEVICE_MISSING,
          DUPLICATE,
          DETACHED ->
          Exit.UNAVAILABLE;
    };
  }

  private static String advice(MediaOpenException e) {
    return switch (e.openReason()) {
      case MISSING -> "check the path and that its file system is mounted, or: bezoar create POOL";
      case EXISTS -> "choose another name; to use the pool that is there: bezoar serve POOL";
      case NOT_A_FILE -> "name a file or a block device";
      case READ_ONLY, DENIED ->
          "run it as the file's owner, or give yourself the right to write it";
      case LOCKED ->
          "it works when that program has closed it; one that bezoar serve has takes commands";
      case TOO_SHORT -> "restore the file in its full length";
      case TOO_LONG -> "look at what was appended, then cut it off";
      case NOT_A_POOL -> "check the path; to make a pool: bezoar create POOL --size 1G";
      case NEWER_VERSION -> "use the newer program";
      case LABEL_DAMAGED -> "restore the first or the last page of the file from a copy";
      case DRILL_LIST_DAMAGED -> "remove the list to open the pool without injected faults";
      case NOT_MAPPABLE -> "leave the choice to bezoar, or use --media channel";
      case BAD_GEOMETRY -> "see: bezoar help create";
      case DEVICE_MISSING, DUPLICATE -> "what of the pool is there: bezoar status POOL";
      case DETACHED -> "what the pool has now: bezoar device list POOL";
      case REFUSED -> "";
    };
  }

  ObjectNode toJson() {
    return Json.object()
        .put("type", "error")
        .put("what", what)
        .put("advice", advice)
        .put("exit", exitCode);
  }

  /** What {@code status} says of a pool that cannot be opened. */
  public ObjectNode toUnavailable(String pool) {
    return Json.object()
        .put("type", "status")
        .put("pool", pool)
        .put("condition", "unavailable")
        .put("reason", what)
        .put("advice", advice);
  }

  static Problem of(ObjectNode json) {
    return new Problem(
        json.path("what").asString("unknown problem"),
        json.path("advice").asString(""),
        json.path("exit").asInt(Exit.INTERNAL));
  }
}
