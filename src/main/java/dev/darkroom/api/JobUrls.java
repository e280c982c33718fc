package dev.darkroom.api;

import java.net.URI;

/** Where things are, relative to the server: a gateway may put any host in front. */
final class JobUrls {

    private JobUrls() {}

    static URI job(String id) {
        return URI.create("/v1/jobs/" + id);
    }

    static String events(String id) {
        return job(id) + "/events";
    }

    static String images(String id) {
        return job(id) + "/images";
    }

    static String image(String id, int index) {
        return images(id) + "/" + index;
    }
}
