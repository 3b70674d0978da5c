// java examples/java/ClaimsTest.java   (Java 17 or later, no library; a payer must run: payer-sandbox serve)
// An app that shows members their claims, and its tests. The payer signs the member in: no browser is needed.
// Take the three fixes out, and each test fails:   APP_FIXES= java examples/java/ClaimsTest.java
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;

public class ClaimsTest {

    static final HttpClient HTTP = HttpClient.newHttpClient();
    static final List<String> FIXES =
        List.of(System.getenv().getOrDefault("APP_FIXES", "wait,refresh,reference").split(","));

    // The app.

    static class ClaimsApp {
        final String payer;
        String accessToken;
        String refreshToken;

        ClaimsApp(String payer, String tokenResponse) {
            this.payer = payer;
            keep(tokenResponse);
        }

        String get(String path) throws Exception {
            HttpResponse<String> answer = send(path);
            while (FIXES.contains("wait") && (answer.statusCode() == 429 || answer.statusCode() == 503)) {
                Thread.sleep(1000 * Long.parseLong(answer.headers().firstValue("Retry-After").orElse("1")));
                answer = send(path);
            }
            if (FIXES.contains("refresh") && answer.statusCode() == 401) {
                refresh(); // expires_in is a promise; a 401 is the truth
                answer = send(path);
            }
            if (answer.statusCode() != 200) {
                throw new IllegalStateException(path + " answered " + answer.statusCode());
            }
            return answer.body();
        }

        /** The doctor of each claim. */
        List<String> doctors() throws Exception {
            List<String> doctors = new ArrayList<>();
            String bundle = get("ExplanationOfBenefit?_count=5");
            String first = "\"careTeam\":\\[\\{\"sequence\":1,\"provider\":\\{\"reference\"";
            for (String reference : values(first, bundle)) {
                doctors.add(doctor(reference));
            }
            return doctors;
        }

        private String doctor(String reference) throws Exception {
            try {
                return values("\"family\"", get(reference)).get(0);
            } catch (IllegalStateException problem) {
                if (FIXES.contains("reference")) {
                    return "not listed"; // a claim without a doctor is still a claim
                }
                throw problem;
            }
        }

        private HttpResponse<String> send(String path) throws Exception {
            return HTTP.send(
                HttpRequest.newBuilder(URI.create(payer + "/fhir/" + path))
                    .header("Authorization", "Bearer " + accessToken)
                    .build(),
                BodyHandlers.ofString());
        }

        private void refresh() throws Exception {
            String form = "grant_type=refresh_token&client_id=sandbox-app&refresh_token="
                + URLEncoder.encode(refreshToken, StandardCharsets.UTF_8);
            HttpResponse<String> answer = HTTP.send(
                HttpRequest.newBuilder(URI.create(payer + "/auth/token"))
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(BodyPublishers.ofString(form))
                    .build(),
                BodyHandlers.ofString());
            check(answer.statusCode() == 200, "the refresh answered " + answer.statusCode());
            keep(answer.body());
        }

        private void keep(String tokenResponse) {
            accessToken = values("\"access_token\"", tokenResponse).get(0);
            refreshToken = values("\"refresh_token\"", tokenResponse).get(0); // the old one no longer works
        }
    }

    // Its tests: each has a payer of its own, a session in the path.

    record Payer(String url) {
        static Payer start(String scenario) {
            String origin = System.getenv().getOrDefault("PAYER_URL", "http://127.0.0.1:8080");
            return new Payer(origin + "/s/" + scenario + "~" + UUID.randomUUID());
        }

        /** Sign in. The body is what the payer's token endpoint answered, faults included. */
        ClaimsApp signIn(String member) throws Exception {
            return new ClaimsApp(url, control("sign-in", "{\"member\": \"" + member + "\"}"));
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

        long requests(String filter) throws Exception {
            return control("journal?format=ndjson&" + filter, null).lines().count();
        }
    }

    interface Test {
        void run() throws Exception;
    }

    static void waitsWhenThePayerIsBusy() throws Exception {
        Payer payer = Payer.start("");
        ClaimsApp app = payer.signIn("maria");
        payer.control("fail-next", """
            {"times": 2, "when": {"resource": "ExplanationOfBenefit"},
             "then": {"do": "refuse", "status": 429, "retry_after": 1}}""");
        check(app.doctors().size() == 5, "five claims");
        check(payer.requests("status=429") == 2, "two requests were refused");
    }

    static void refreshesWhenTheTokenExpiresEarly() throws Exception {
        Payer payer = Payer.start("token-expires-early");
        ClaimsApp app = payer.signIn("walter");
        payer.control("clock", "{\"advance\": \"PT2M\"}");
        check(app.get("Patient").contains("\"total\":1"), "one patient");
        check(payer.requests("path=/fhir/Patient&status=401") == 1, "one request was refused");
    }

    static void showsAClaimWhoseDoctorCannotBeRead() throws Exception {
        ClaimsApp app = Payer.start("broken-references").signIn("maria");
        check(app.doctors().equals(Collections.nCopies(5, "not listed")), "five claims without a doctor");
    }

    public static void main(String[] args) {
        Map<String, Test> tests = Map.of(
            "waits when the payer is busy", ClaimsTest::waitsWhenThePayerIsBusy,
            "refreshes when the access token expires early", ClaimsTest::refreshesWhenTheTokenExpiresEarly,
            "shows a claim whose doctor cannot be read", ClaimsTest::showsAClaimWhoseDoctorCannotBeRead);
        int failures = 0;
        for (Map.Entry<String, Test> test : tests.entrySet()) {
            try {
                test.getValue().run();
                System.out.println("ok - " + test.getKey());
            } catch (Exception | AssertionError problem) {
                failures++;
                System.out.println("not ok - " + test.getKey() + ": " + problem.getMessage());
            }
        }
        System.exit(failures == 0 ? 0 : 1);
    }

    /** The texts behind a name in JSON. An app of yours would use its JSON library. */
    static List<String> values(String name, String json) {
        Pattern pattern = Pattern.compile(name + ":\"([^\"]*)\"");
        return pattern.matcher(json).results().map(match -> match.group(1)).toList();
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
