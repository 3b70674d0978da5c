// java examples/java/PayerTest.java   (Java 17 or later; a payer must run: payer-sandbox serve)
// No library is needed: a session in the path makes a payer of one's own.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.UUID;

public class PayerTest {

    static final HttpClient HTTP = HttpClient.newHttpClient();

    record Payer(String url) {
        static Payer of(String selection) {
            String origin = System.getenv().getOrDefault("PAYER_URL", "http://127.0.0.1:8080");
            return new Payer(origin + "/s/" + selection + "~" + UUID.randomUUID());
        }

        String fhir() {
            return url + "/fhir";
        }

        String control(String path, String body) throws Exception {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/_sandbox/" + path));
            if (body != null) {
                request.POST(BodyPublishers.ofString(body));
            }
            HttpResponse<String> answer = HTTP.send(request.build(), BodyHandlers.ofString());
            check(answer.statusCode() == 200, answer.body());
            return answer.body();
        }
    }

    // What is under test: asks again when it is told to wait.
    static HttpResponse<String> patiently(String url) throws Exception {
        while (true) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
            HttpResponse<String> answer = HTTP.send(request, BodyHandlers.ofString());
            if (answer.statusCode() != 429 && answer.statusCode() != 503) {
                return answer;
            }
            Thread.sleep(1000 * Long.parseLong(answer.headers().firstValue("Retry-After").orElse("1")));
        }
    }

    public static void main(String[] args) throws Exception {
        Payer payer = Payer.of("");
        payer.control("fail-next", """
            {"times": 2, "when": {"path": "/fhir/metadata"},
             "then": {"do": "refuse", "status": 429, "retry_after": 1}}""");
        check(patiently(payer.fhir() + "/metadata").statusCode() == 200, "metadata after waiting");
        check(payer.control("journal?status=429&format=ndjson", null).lines().count() == 2, "two refusals");

        String clock = payer.control("clock", "{\"advance\": \"P90D\"}");
        check(clock.contains("7776000"), "the clock moved");
        System.out.println("well");
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
