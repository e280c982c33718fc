package dev.darkroom.job;

/** So many jobs wait that no more are taken for now. */
public final class QueueFull extends RuntimeException {

    private static final long serialVersionUID = 1L;

    QueueFull(int maxQueued) {
        super(maxQueued + " jobs are waiting already, which is the most this server keeps");
    }
}
