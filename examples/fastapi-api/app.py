"""An API in FastAPI that takes the token service's access tokens. ISSUER and AUDIENCE say where; PUBLIC_URL: by which
clients know it, without which it takes no key-bound token."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel

from auth_tokens_verify import AccessClaims, Verifier
from auth_tokens_verify.fastapi import TokenRequired

public_urls = os.environ.get("PUBLIC_URL", "").split()
verifier = Verifier(os.environ["ISSUER"], os.environ.get("AUDIENCE", "portal"), public_urls=public_urls)
reader = TokenRequired(verifier, "portal:read")
# What must not happen in the seconds after a sign-out asks the service itself.
writer = TokenRequired(verifier, "portal:read", max_age_s=3600, strict=True)
app = FastAPI()
names = ["night tram"]


class Job(BaseModel):
    name: str


@app.get("/jobs")
def list_jobs(claims: Annotated[AccessClaims, Depends(reader)]) -> dict[str, object]:
    return {"jobs": names, "of": claims.sub}


@app.post("/jobs", status_code=201)
def add_job(job: Job, claims: Annotated[AccessClaims, Depends(writer)]) -> Job:
    names.append(job.name)
    return job
