package dev.darkroom;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** The application: serves the HTTP API and runs the device workers. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class Darkroom {

    public static void main(String[] args) {
        SpringApplication.run(Darkroom.class, args);
    }
}
