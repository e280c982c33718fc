package dev.darkroom.library.hub;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A response's body, taken piece by piece by a thread that waits only so long for each. */
final class Body implements BodySubscriber<Body>, AutoCloseable {
    private final CompletableFuture<Subscription> subscription = new CompletableFuture<>();

    private static final Object END = new Object();

    /** One list of bytes at most, and what ended them: a {@link Throwable} or {@link #END}. */
    private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();

    /**
     * @return the next bytes; null at the end
     * @throws TryAgain if the connection breaks, or is silent for longer than {@code idle}
     */
    @SuppressWarnings("unchecked")
    @Nullable
    List<ByteBuffer> next(Duration idle) throws TryAgain, InterruptedException {
        Object piece = arrived.poll(idle.toNanos(), TimeUnit.NANOSECONDS);
        if (piece == null) {
            throw new TryAgain("the hub was silent for " + idle.toMillis() + " ms");
        }
        if (piece instanceof Throwable e) {
            throw new TryAgain("the connection broke: " + e.getMessage(), Duration.ZERO, e);
        }
        if (piece == END) {
            return null;
        }
        subscription.thenAccept(s -> s.request(1));
        return (List<ByteBuffer>) piece;
    }

    @Override
    public CompletionStage<Body> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void onSubscribe(Subscription s) {
        subscription.complete(s);
        s.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> piece) {
        arrived.add(piece);
    }

    @Override
    public void onError(Throwable e) {
        arrived.add(e);
    }

    @Override
    public void onComplete() {
        arrived.add(END);
    }

    /** Lets go of the connection; a body that was not read to its end takes it along. */
    @Override
    public void close() {
        subscription.thenAccept(Subscription::cancel);
    }
}
