package dev.darkroom.job;

import dev.darkroom.request.Request;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * How fast pictures are drawn, measured from what workers record, averaged, and kept in the database, so that every
 * process can forecast.
 */
@Component
class Paces {

    /** Weight of a new measurement in the average. */
    private static final double NEW = 0.1;

    /** The same of one above it, for {@link Pace#row}: whoever waits, waits for a full device, not for one with little to do. */
    private static final double NEW_ABOVE = NEW / 200;

    /** Pictures that take the same time. */
    record Kind(String model, int pixels) {

        static Kind of(Request request) {
            return new Kind(
                    request.model(), request.size().width() * request.size().height());
        }
    }

    /**
     * Milliseconds.
     *
     * @param step from one U-Net evaluation of a picture to its next, in the company it usually has
     * @param row the same divided by the rows in company, when they are many: what a U-Net evaluation adds to the work
     * @param finish from a picture's last step to its record
     */
    record Pace(double step, double row, double finish) {}

    private final JdbcClient sql;
    private final Map<Kind, Integer> company = new HashMap<>();
    private final Map<Kind, Pace> measured = new HashMap<>();
    private final Map<Kind, Pace> unsaved = new HashMap<>();

    Paces(JdbcClient sql) {
        this.sql = sql;
    }

    /** So many rows of this kind are on a device of this process from now on. */
    synchronized void join(Kind kind, int rows) {
        company.merge(kind, rows, Integer::sum);
    }

    synchronized void leave(Kind kind, int rows) {
        company.merge(kind, -rows, Integer::sum);
    }

    /** A picture that has joined was evaluated. @param took since the evaluation before */
    synchronized void stepped(Kind kind, Duration took) {
        double millis = took.toNanos() / 1e6;
        double row = millis / Math.max(1, company.getOrDefault(kind, 1));
        Pace known = measured.getOrDefault(kind, new Pace(millis, row, 0));
        note(
                kind,
                new Pace(
                        average(known.step, millis, NEW),
                        average(known.row, row, row < known.row ? NEW : NEW_ABOVE),
                        known.finish));
    }

    /** A picture with all its steps was recorded. */
    synchronized void finished(Kind kind, Duration took) {
        Pace known = measured.get(kind);
        if (known != null) {
            double millis = took.toNanos() / 1e6;
            note(
                    kind,
                    new Pace(known.step, known.row, known.finish == 0 ? millis : average(known.finish, millis, NEW)));
        }
    }

    private void note(Kind kind, Pace pace) {
        measured.put(kind, pace);
        unsaved.put(kind, pace);
    }

    private static double average(double known, double measured, double weight) {
        return known + weight * (measured - known);
    }

    /** Writes what is new; where other processes write as well, all have their part in what is kept. */
    void save() {
        Map<Kind, Pace> news;
        synchronized (this) {
            news = Map.copyOf(unsaved);
            unsaved.clear();
        }
        news.forEach((kind, pace) -> {
            int rows = sql.sql("""
                            update pace set step_ms = (step_ms + ?) / 2, row_ms = (row_ms + ?) / 2,
                                finish_ms = (finish_ms + ?) / 2
                            where model = ? and pixels = ?""")
                    .params(pace.step, pace.row, pace.finish, kind.model, kind.pixels)
                    .update();
            if (rows == 0) {
                try {
                    sql.sql("insert into pace (step_ms, row_ms, finish_ms, model, pixels) values (?, ?, ?, ?, ?)")
                            .params(pace.step, pace.row, pace.finish, kind.model, kind.pixels)
                            .update();
                } catch (DuplicateKeyException e) {
                    // Another process has measured it at the same moment.
                }
            }
        });
    }

    /** What all processes have measured. */
    Map<Kind, Pace> all() {
        Map<Kind, Pace> all = new HashMap<>();
        sql.sql("select model, pixels, step_ms, row_ms, finish_ms from pace").query(row -> {
            all.put(
                    new Kind(row.getString("model"), row.getInt("pixels")),
                    new Pace(row.getDouble("step_ms"), row.getDouble("row_ms"), row.getDouble("finish_ms")));
        });
        return all;
    }
}
