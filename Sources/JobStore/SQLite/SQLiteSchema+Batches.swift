// Batches, and what keeps their counts.

extension SQLiteSchema {
  /// The row of a batch is written with every step of each of its jobs, so it is kept small: what the jobs share stands in a
  /// table of its own.
  ///
  /// Its counts are the triggers' business: whatever changes a job changes them in the same write, so nothing can make them
  /// wrong, and nobody ever counts rows. Inputs that are no rows yet are counted from the beginning as what they will be
  /// first, so an insert changes nothing. (State -1 is a queued job that waits for its key, see `SQLiteSchema+Queues`.)
  ///
  /// `job.batch_end` is the job's place among those of its batch that ended, given by the write that ends it. The order of
  /// writes is the only one in which nothing can appear behind a reader's back: moments of ending are not, since an earlier one
  /// may be written later.
  static let batches = """
    CREATE TABLE batch (
      id BLOB PRIMARY KEY,
      total INTEGER NOT NULL, chunk_size INTEGER NOT NULL,
      scheduled INTEGER NOT NULL, queued INTEGER NOT NULL, running INTEGER NOT NULL,
      succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL,
      -- The last place that was given.
      ends INTEGER NOT NULL DEFAULT 0,
      finished_at INTEGER, cancel_requested INTEGER NOT NULL,
      owner INTEGER NOT NULL, executor INTEGER NOT NULL, filled INTEGER NOT NULL, input_offset INTEGER NOT NULL,
      input_file TEXT,
      -- The jobs that are to be looked at, by their index.
      cancel_next INTEGER NOT NULL, cancel_end INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX batch_unfinished ON batch (owner) WHERE filled < total OR cancel_next < cancel_end;
    CREATE TABLE batch_prototype (batch BLOB PRIMARY KEY, job BLOB NOT NULL);

    CREATE UNIQUE INDEX job_batch ON job (batch, batch_index) WHERE batch IS NOT NULL;
    CREATE INDEX job_batch_end ON job (batch, batch_end) WHERE batch_end IS NOT NULL;

    CREATE TRIGGER batch_job_moved AFTER UPDATE OF state ON job WHEN NEW.batch IS NOT NULL AND NEW.state <> OLD.state
    BEGIN
      UPDATE batch SET
        scheduled = scheduled + (NEW.state = 0) - (OLD.state = 0),
        queued = queued + (NEW.state IN (-1, 1)) - (OLD.state IN (-1, 1)),
        running = running + (NEW.state = 2) - (OLD.state = 2),
        succeeded = succeeded + (NEW.state = 3) - (OLD.state = 3),
        failed = failed + (NEW.state = 4) - (OLD.state = 4),
        cancelled = cancelled + (NEW.state = 5) - (OLD.state = 5),
        ends = ends + (NEW.state IN (3, 4, 5)),
        finished_at = CASE
          WHEN scheduled + queued + running + (NEW.state NOT IN (3, 4, 5)) - (OLD.state NOT IN (3, 4, 5)) = 0
          THEN NEW.finished_at END
      WHERE id = NEW.batch;
    END;

    -- A batch goes with its last job.
    CREATE TRIGGER batch_job_gone AFTER DELETE ON job WHEN OLD.batch IS NOT NULL
    BEGIN
      UPDATE batch SET
        scheduled = scheduled - (OLD.state = 0), queued = queued - (OLD.state IN (-1, 1)),
        running = running - (OLD.state = 2),
        succeeded = succeeded - (OLD.state = 3), failed = failed - (OLD.state = 4),
        cancelled = cancelled - (OLD.state = 5)
      WHERE id = OLD.batch;
      DELETE FROM batch WHERE id = OLD.batch AND scheduled + queued + running + succeeded + failed + cancelled = 0;
    END;
    CREATE TRIGGER batch_gone AFTER DELETE ON batch
    BEGIN
      DELETE FROM batch_prototype WHERE batch = OLD.id;
    END;
    """

  /// In an update of a job: its place among those of its batch that ended. `state` is the one before; from 3 on it is final.
  static let batchEndAssignment = """
    batch_end = CASE
      WHEN batch IS NULL THEN NULL
      WHEN ?\(JobColumn.state.parameter) < 3 THEN NULL
      WHEN state >= 3 THEN batch_end
      ELSE (SELECT ends + 1 FROM batch WHERE batch.id = job.batch) END
    """
}
