package dev.darkroom.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** A database that fails, as one on a full disk does; here the table of models is taken away. */
class DatabaseFailureTests extends ServerTest {

    @Autowired
    private JdbcClient sql;

    @Test
    void isAnsweredWithACodeAndMakesTheServiceNotReady() {
        sql.sql("alter table model rename to model_away").update();
        try {
            var answer = post("{\"prompt\":\"a red apple\"}");
            JsonNode problem = json(answer.body());
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(problem.get("code").stringValue()).isEqualTo("database_unavailable");
            assertThat(answer.headers().firstValue("Retry-After")).isPresent();
            assertThat(answer.body()).doesNotContain("SQL", "Exception");
            assertThat(management("/actuator/health/readiness").statusCode()).isEqualTo(503);
        } finally {
            sql.sql("alter table model_away rename to model").update();
        }
        assertThat(management("/actuator/health/readiness").statusCode()).isEqualTo(200);
    }
}
