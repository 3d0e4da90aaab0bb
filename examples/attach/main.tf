# An HTTP API behind the token service's authorizer, by Terraform.
variable "authorizer_arn" {
  description = "Output AuthorizerFunctionArn of the token service's stack: the ARN of the alias live"
  type        = string
}

variable "jobs_function_arn" {
  description = "The function that serves the API"
  type        = string
}

locals {
  region = split(":", var.authorizer_arn)[3]
}

resource "aws_apigatewayv2_api" "jobs" {
  name          = "jobs"
  protocol_type = "HTTP"

  cors_configuration {
    allow_origins  = ["https://app.example.com"]
    allow_methods  = ["GET", "POST", "DELETE"]
    allow_headers  = ["authorization", "content-type"]
    expose_headers = ["www-authenticate"]
    max_age        = 3600
  }
}

resource "aws_apigatewayv2_authorizer" "tokens" {
  api_id                            = aws_apigatewayv2_api.jobs.id
  name                              = "tokens"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = "arn:aws:apigateway:${local.region}:lambda:path/2015-03-31/functions/${var.authorizer_arn}/invocations"
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  authorizer_result_ttl_in_seconds  = 0
}

# In another account leave it out: the token service's stack makes it there.
resource "aws_lambda_permission" "authorizer" {
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.jobs.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.tokens.id}"
}

resource "aws_apigatewayv2_integration" "jobs" {
  api_id                 = aws_apigatewayv2_api.jobs.id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.jobs_function_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "jobs" {
  for_each           = toset(["GET /jobs", "POST /jobs"])
  api_id             = aws_apigatewayv2_api.jobs.id
  route_key          = each.value
  target             = "integrations/${aws_apigatewayv2_integration.jobs.id}"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.tokens.id
}

resource "aws_lambda_permission" "jobs" {
  action        = "lambda:InvokeFunction"
  function_name = var.jobs_function_arn
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.jobs.execution_arn}/*/*/jobs"
}

resource "aws_apigatewayv2_stage" "live" {
  api_id      = aws_apigatewayv2_api.jobs.id
  name        = "$default"
  auto_deploy = true
}
