// An HTTP API behind the token service's authorizer, by CDK: cdk deploy --app "node cdk.ts" --context authorizerArn=ARN
import { App, Duration, Stack } from "aws-cdk-lib";
import { CorsHttpMethod, HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Architecture, Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";

const app = new App();
const stack = new Stack(app, "jobs");

// In another account leave out sameEnvironment: the token service's stack makes the permission there.
const tokens = Function.fromFunctionAttributes(stack, "Tokens", {
  functionArn: app.node.getContext("authorizerArn"),
  sameEnvironment: true,
});
const jobs = new Function(stack, "Jobs", {
  runtime: Runtime.PYTHON_3_13,
  architecture: Architecture.ARM_64,
  handler: "app.handler",
  code: Code.fromAsset("functions/jobs"),
});
const api = new HttpApi(stack, "Api", {
  defaultAuthorizer: new HttpLambdaAuthorizer("Authorizer", tokens, {
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    resultsCacheTtl: Duration.seconds(0),
    identitySource: [],
  }),
  corsPreflight: {
    allowOrigins: ["https://app.example.com"],
    allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.DELETE],
    allowHeaders: ["authorization", "content-type"],
    exposeHeaders: ["www-authenticate"],
    maxAge: Duration.hours(1),
  },
});
api.addRoutes({
  path: "/jobs",
  methods: [HttpMethod.GET, HttpMethod.POST],
  integration: new HttpLambdaIntegration("JobsIntegration", jobs),
});
app.synth();
