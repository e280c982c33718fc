package dev.darkroom.api.v1;

import jakarta.servlet.http.HttpServletRequest;

/**
 * Where things are for a client.
 *
 * @param base what stands before the API's own paths: nothing, so that a gateway may put any host in front; the path below
 *     which a gateway says that it serves us ({@code X-Forwarded-Prefix}); or a whole address
 */
public record JobUrls(String base) {

    public static JobUrls of(HttpServletRequest request) {
        return new JobUrls(request.getContextPath());
    }

    public String job(String id) {
        return base + "/v1/jobs/" + id;
    }

    String events(String id) {
        return job(id) + "/events";
    }

    String images(String id) {
        return job(id) + "/images";
    }

    String image(String id, int index) {
        return images(id) + "/" + index;
    }
}
