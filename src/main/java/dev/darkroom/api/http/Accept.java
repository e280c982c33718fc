package dev.darkroom.api.http;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;

/**
 * What a client takes, RFC 9110 section 12.5.1: the most specific range that fits a media type says its quality; 0 is "not
 * this". The best quality wins, among equals what we prefer.
 *
 * @param ranges none is everything
 */
public record Accept(List<MediaType> ranges) {

    /** @throws Problem if the header is no list of media ranges */
    public static Accept of(HttpHeaders headers) {
        try {
            return new Accept(withoutProblems(headers.getAccept()));
        } catch (InvalidMediaTypeException e) {
            throw new Problem(Problem.Code.NOT_ACCEPTABLE, "Accept must list media ranges: " + e.getMessage());
        }
    }

    /**
     * What a client says of answers that are no errors. Clients made from an OpenAPI document may name nothing but {@code
     * application/problem+json} where the other answers are not JSON; openapi-generator's for Python do.
     */
    public static List<MediaType> withoutProblems(List<MediaType> ranges) {
        return ranges.stream()
                .filter(range -> !range.equalsTypeAndSubtype(MediaType.APPLICATION_PROBLEM_JSON))
                .toList();
    }

    /**
     * @param offered what there is, the preferred ones first
     * @throws Problem listing what there is, if none of it is taken
     */
    public MediaType best(List<MediaType> offered) {
        List<MediaType> byQuality = new ArrayList<>(offered);
        byQuality.sort(Comparator.comparingDouble(this::quality).reversed()); // stable
        MediaType best = byQuality.get(0);
        if (quality(best) == 0) {
            throw new Problem(
                    Problem.Code.NOT_ACCEPTABLE,
                    "Accept takes none of what there is: "
                            + offered.stream().map(MediaType::toString).collect(Collectors.joining(", ")));
        }
        return best;
    }

    private double quality(MediaType type) {
        if (ranges.isEmpty()) {
            return 1;
        }
        return ranges.stream()
                .filter(range -> range.includes(type))
                .max(Comparator.comparingInt(Accept::specificity))
                .map(MediaType::getQualityValue)
                .orElse(0.0);
    }

    private static int specificity(MediaType range) {
        return range.isWildcardType() ? 0 : range.isWildcardSubtype() ? 1 : 2;
    }
}
