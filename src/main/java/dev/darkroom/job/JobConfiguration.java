package dev.darkroom.job;

import com.zaxxer.hikari.HikariDataSource;
import dev.darkroom.blobs.ImageSettings;
import dev.darkroom.blobs.WatchedImageStore;
import dev.darkroom.fleet.Models;
import dev.darkroom.observe.Metric;
import dev.darkroom.observe.Metrics;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.jdbc.DatabaseDriver;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Where pictures are, what time it is, and what is done about the process that ran before this one. */
@Configuration(proxyBeanMethods = false)
class JobConfiguration {

    @Bean
    WatchedImageStore images(ImageSettings settings, Metrics metrics) {
        WatchedImageStore store = new WatchedImageStore(settings.open(), settings.location());
        metrics.gauge(Metric.STORE_AVAILABLE, () -> store.isAway() ? 0 : 1);
        return store;
    }

    /** The pool as all of this process know it. */
    @Bean
    static BeanPostProcessor sharedConnections() {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessAfterInitialization(Object bean, String name) {
                return bean instanceof HikariDataSource pool
                        ? new SharedConnections(pool, pool.getMaximumPoolSize(), pool.getConnectionTimeout())
                        : bean;
            }
        };
    }

    @Bean
    DatabaseClock clock() {
        return new DatabaseClock();
    }

    /**
     * An H2 file belongs to one process at a time, so at start nobody else can hold a job or serve a model: what the
     * process before this one left is freed at once, without waiting for missed heartbeats.
     */
    @Bean
    SmartLifecycle recovery(JdbcConnectionDetails database, ClaimStore jobs, Models models) {
        return new SmartLifecycle() {
            private volatile boolean done;

            @Override
            public void start() {
                if (isH2(database)) {
                    jobs.releaseAll();
                    models.clear();
                }
                done = true;
            }

            @Override
            public void stop() {
                done = false;
            }

            @Override
            public boolean isRunning() {
                return done;
            }

            @Override
            public int getPhase() {
                return 0; // before the web server and the workers
            }
        };
    }

    /** Whether this process has the database for itself; otherwise it is PostgreSQL. */
    static boolean isH2(JdbcConnectionDetails database) {
        return DatabaseDriver.fromJdbcUrl(database.getJdbcUrl()) == DatabaseDriver.H2;
    }
}
